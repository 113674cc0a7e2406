"""Produce outputs and dead letters in the open transaction, to the partition of the record that caused them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, NoReturn

from makiserve.errors import PublishError, RecordError, StoppedOnError
from makiserve.kafka import Headers, Message
from makiserve.scoring import Batch, Dead, Encoded, Scored, Served
from makiserve.serving.messages import (
    BARE_BYTES,
    Origin,
    Outgoing,
    Times,
    dead_letter,
    model_headers,
    origin,
    origin_before,
    output_headers,
    refusal,
    shortened,
)
from makiserve.serving.sender import Place, Sender
from makiserve.settings import ServeSettings


class Published(NamedTuple):
    """The outputs of a batch, as parallel lists, and its dead letters.

    Attributes:
        causes: the index in the batch of the record that caused the output; never decreasing.
        values: the outputs.
        dead: the dead letters from scoring, and the records with an output that its topic refuses.
        dropped_headers: number of headers dropped because their name is not UTF-8.
    """

    causes: list[int]
    values: list[bytes]
    dead: Dead
    dropped_headers: int


class Publisher:
    """Produces the outputs and dead letters of scored messages.

    The limits of the topics are checked before the first message of a record is produced, so that a record results in
    all of its outputs or in a dead letter. If a topic refuses a timestamp, the current time replaces it and a header
    holds the original.

    Args:
        sender: produces the messages.
        dead_partitions: number of partitions of the dead-letter topic.

    Attributes:
        keeps_partition: whether an output goes to the partition of its record.
    """

    keeps_partition: ClassVar[bool] = True

    def __init__(self, sender: Sender, settings: ServeSettings, model: Served, dead_partitions: int) -> None:
        self._sender = sender
        self._settings = settings
        self.serve(model)
        self._dead_partitions = dead_partitions
        self._origin = origin_before if settings.partition_by else origin

    def serve(self, model: Served) -> None:
        """Switch to the outputs of this model."""
        champion, (challenger, _, shadow) = model_headers(model), model.beside
        self._outputs = model.outputs()
        self._headers = (champion, model_headers(challenger) if challenger else champion)
        self._shadow_headers = model_headers(shadow) if shadow else []

    def publish(self, messages: list[Message], batch: Batch, scored: Scored) -> Published:
        """Produce the outputs of a batch, in order, and its dead letters; return both.

        Outputs keep the key, timestamp and headers of their record. Additional headers name the model that made the
        output and the record that caused it.
        """
        records: dict[int, Origin] = {}
        encoded = self._encoded(batch, scored)
        ready = self._outgoing(messages, batch, encoded, records)
        refused = self._refused(messages, encoded.causes, ready)
        if refused:
            ready = [message for cause, message in zip(encoded.causes, ready, strict=True) if cause not in refused]
            encoded = encoded.without(refused)
        for cause, message in zip(encoded.causes, ready, strict=True):
            self._sender.send(_place(messages[cause]), message)
        self.bury(messages, batch, encoded.dead, records)
        self._publish_shadow(messages, scored)
        return Published(*encoded, sum(record.dropped for record in records.values()))

    def bury(self, messages: list[Message], batch: Batch, dead: Dead, records: dict[int, Origin]) -> None:
        """Produce the dead letters of a batch, with the current time as their timestamp.

        Args:
            messages: messages of the batch.
            batch: the batch that the indexes refer to.
            dead: index and error of each record.
            records: origins by index; those of the dead letters are added.

        Raises:
            StoppedOnError: there is a dead letter, and the service is configured to stop on errors.
        """
        models, topic = self._models(batch), self._settings.dead_letters
        if dead and self._settings.on_error == "stop":
            _stop(messages[dead[0][0]], dead[0][1])
        for index, error in dead:
            message = messages[index]
            record = records.get(index) or records.setdefault(index, self._origin(message))
            is_refused = self._sender.refused.get(_place(message), ("",))[0] == topic
            largest = BARE_BYTES if is_refused else self._sender.limits(topic).max_bytes
            key, value, headers = dead_letter(record, message.value(), models[index], error, largest)
            number = message.partition() % self._dead_partitions
            self._sender.send(_place(message), Outgoing(topic, number, key, value, headers, _now_ms()))

    def _encoded(self, batch: Batch, scored: Scored) -> Encoded:
        """Return the encoded outputs of a batch."""
        return self._outputs.encode(scored, batch.records)

    def _message(self, message: Message, record: Origin, value: Any, models: Headers, times: Times) -> Outgoing:
        """Return the message for one output of a record."""
        time_ms, time = times.fit(record.time_ms)
        headers = [*output_headers(record), record.source, *time, *models]
        return Outgoing(self._settings.output, message.partition(), record.key, value, headers, time_ms)

    def _outgoing(
        self, messages: list[Message], batch: Batch, encoded: Encoded, records: dict[int, Origin]
    ) -> list[Outgoing]:
        models, times = self._models(batch), self._times(self._settings.output)
        ready = []
        for cause, value in zip(encoded.causes, encoded.values, strict=True):
            record = records.get(cause) or records.setdefault(cause, self._origin(messages[cause]))
            ready.append(self._message(messages[cause], record, value, models[cause], times))
        return ready

    def _refused(self, messages: list[Message], causes: list[int], ready: list[Outgoing]) -> dict[int, RecordError]:
        """Return the records with a message that the output topic refuses."""
        refused: dict[int, RecordError] = {}
        for cause, message in zip(causes, ready, strict=True):
            if why := self._refusal(messages[cause], message):
                refused.setdefault(cause, PublishError(why))
        return refused

    def _refusal(self, record: Message, message: Outgoing) -> str | None:
        """Return why the topic refuses a message, or why the broker refused it before; None if it is accepted."""
        found = self._sender.refused.get(_place(record))
        if found and found[0] == message.topic:
            return found[1]
        return refusal(message, self._sender.limits(message.topic))

    def _times(self, topic: str) -> Times:
        """Return the timestamps that a topic accepts now."""
        now_ms = _now_ms()
        return Times(*self._sender.limits(topic).times(now_ms), now_ms)

    def _models(self, batch: Batch) -> Sequence[Headers]:
        """Return for each record of a batch the headers of the model that scored it."""
        champion, challenger = self._headers
        if batch.challenged is None:
            return [champion] * len(batch.records)
        return [challenger if is_challenged else champion for is_challenged in batch.challenged]

    def _publish_shadow(self, messages: list[Message], scored: Scored) -> None:
        """Produce the shadow's predictions, or the reason why it rejected the features.

        Messages that the topic refuses are shortened until it accepts them: a shadow must never cause a dead letter.
        """
        if scored.shadow is None or self._settings.shadow_output is None:
            return
        topic, times = self._settings.shadow_output, self._times(self._settings.shadow_output)
        limits = self._sender.limits(topic)
        for cause, prediction in scored.shadow:
            record, place = self._origin(messages[cause]), _place(messages[cause])
            if limits.needs_key and record.key is None:
                record = record._replace(key=record.source[1])
            time_ms, time = times.fit(record.time_ms)
            added, value = [record.source, *time, *self._shadow_headers], self._outputs.encode_shadow(prediction)
            message = Outgoing(topic, place[0], record.key, value, [*output_headers(record), *added], time_ms)
            if why := self._refusal(messages[cause], message):
                is_refused = place in self._sender.refused
                value = self._outputs.encode_shadow(PublishError(why))
                key, _, headers = shortened(record, None, added, BARE_BYTES if is_refused else limits.max_bytes)
                key = record.source[1] if key is None and limits.needs_key else key
                message = message._replace(key=key, value=value, headers=headers)
            self._sender.send(place, message)


def _place(message: Message) -> Place:
    return message.partition(), message.offset()


def _now_ms() -> int:
    return int(time.time() * 1000)


def _stop(message: Message, error: RecordError) -> NoReturn:
    raise StoppedOnError(
        f"{message.topic()}[{message.partition()}]@{message.offset()}: {error.reason}: {error}. The service was told "
        "to stop there; nothing from this record on is committed. Correct the cause, or let such records be put aside "
        "with --on-error dead-letter"
    ) from error
