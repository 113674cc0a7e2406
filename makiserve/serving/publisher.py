"""Outputs and dead letters: produced into the open transaction, each to the partition of the record it comes from."""

from __future__ import annotations

from makiserve.errors import RecordError
from makiserve.kafka import Message, TransactionalProducer
from makiserve.scoring import Batch, Encoded, Scored, Served
from makiserve.serving.messages import dead_letter, model_headers, origin, origin_before
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
        self._outputs = model.outputs()
        self._headers = model_headers(model)

    def publish(self, messages: list[Message], batch: Batch, scored: Scored) -> Encoded:
        """Produce the outputs of a batch, in order, and its dead letters; returns both.

        Key and timestamp are the message's, and its headers are passed on. The output's own headers say which model
        made it from which record.
        """
        produce, topic, model = self._produce, self._settings.output, self._headers
        encoded = self._outputs.encode(scored, batch.records)
        for cause, output in zip(encoded.causes, encoded.values, strict=True):
            message = messages[cause]
            key, headers = self._origin(message)
            produce(topic, message.partition(), key, output, headers + model, message.timestamp()[1])
        self.bury(messages, encoded.dead)
        return encoded

    def bury(self, messages: list[Message], dead: list[tuple[int, RecordError]]) -> None:
        """Produce the dead letters of a batch."""
        for index, error in dead:
            message = messages[index]
            value, reason = dead_letter(message.value(), error)
            key, headers = self._origin(message)
            number = message.partition() % self._dead_partitions
            headers = headers + self._headers + reason
            self._produce(self._settings.dead_letters, number, key, value, headers, message.timestamp()[1])
