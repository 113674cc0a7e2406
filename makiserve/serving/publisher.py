"""Outputs and dead letters: produced into the open transaction, each to the partition of the record it comes from."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NoReturn

from makiserve.errors import RecordError, StoppedAtRecord
from makiserve.kafka import Message, TransactionalProducer
from makiserve.scoring import Batch, Encoded, Scored, Served
from makiserve.serving.messages import Headers, dead_letter, model_headers, origin, origin_before
from makiserve.settings import ServeSettings


class Publisher:
    """Produces what came of scored messages.

    Args:
        dead_partitions: how many partitions the dead-letter topic has.
    """

    def __init__(
        self, producer: TransactionalProducer, settings: ServeSettings, model: Served, dead_partitions: int
    ) -> None:
        self._produce = producer.produce
        self._settings = settings
        self.serve(model)
        self._dead_partitions = dead_partitions
        self._origin = origin_before if settings.partition_by else origin

    def serve(self, model: Served) -> None:
        """What is published from here on comes of this model."""
        champion, (challenger, _, shadow) = model_headers(model), model.beside
        self._outputs = model.outputs()
        self._headers = (champion, model_headers(challenger) if challenger else champion)
        self._shadow_headers = model_headers(shadow) if shadow else []

    def publish(self, messages: list[Message], batch: Batch, scored: Scored) -> Encoded:
        """Produce the outputs of a batch, in order, and its dead letters; returns both.

        Key and timestamp are the message's, and its headers are passed on. The output's own headers say which model
        made it from which record.
        """
        produce, topic, models = self._produce, self._settings.output, self._models(batch)
        encoded = self._outputs.encode(scored, batch.records)
        for cause, output in zip(encoded.causes, encoded.values, strict=True):
            message = messages[cause]
            key, headers = self._origin(message)
            produce(topic, message.partition(), key, output, headers + models[cause], message.timestamp()[1])
        self.bury(messages, batch, encoded.dead)
        self._publish_shadow(messages, scored)
        return encoded

    def bury(self, messages: list[Message], batch: Batch, dead: list[tuple[int, RecordError]]) -> None:
        """Produce the dead letters of a batch, their time that of their burial.

        Raises:
            StoppedAtRecord: there is one, and the service was told to stop.
        """
        models = self._models(batch)
        if dead and self._settings.on_error == "stop":
            _stop(messages[dead[0][0]], dead[0][1])
        now_ms = int(time.time() * 1000)
        for index, error in dead:
            message = messages[index]
            value, reason = dead_letter(message.value(), message.timestamp()[1], error)
            key, headers = self._origin(message)
            number = message.partition() % self._dead_partitions
            headers = headers + models[index] + reason
            self._produce(self._settings.dead_letters, number, key, value, headers, now_ms)

    def _models(self, batch: Batch) -> Sequence[Headers]:
        """For each record of a batch, which model it was scored by."""
        champion, challenger = self._headers
        if batch.challenged is None:
            return [champion] * len(batch.records)
        return [challenger if is_challenged else champion for is_challenged in batch.challenged]

    def _publish_shadow(self, messages: list[Message], scored: Scored) -> None:
        """What the shadow says of each of the features, or why it refuses them."""
        if scored.shadow is None or self._settings.shadow_output is None:
            return
        for cause, prediction in scored.shadow:
            message = messages[cause]
            key, headers = self._origin(message)
            value, headers = self._outputs.encode_shadow(prediction), headers + self._shadow_headers
            number, time_ms = message.partition(), message.timestamp()[1]
            self._produce(self._settings.shadow_output, number, key, value, headers, time_ms)


def _stop(message: Message, error: RecordError) -> NoReturn:
    raise StoppedAtRecord(
        f"{message.topic()}[{message.partition()}]@{message.offset()}: {error.reason}: {error}. The service was told "
        "to stop there; nothing from this record on is committed. Correct the cause, or let such records be put aside "
        "with --on-error dead-letter"
    ) from error
