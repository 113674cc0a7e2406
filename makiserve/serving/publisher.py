"""Produce outputs and dead letters in the open transaction, to the partition of the record that caused them."""

from __future__ import annotations

import time
from typing import NamedTuple, NoReturn

from msgspec.structs import replace

from makiserve.errors import PublishError, RecordError, StoppedOnError
from makiserve.kafka import Message
from makiserve.scoring import Dead
from makiserve.serving.messages import (
    BARE_BYTES,
    Draft,
    Outgoing,
    Times,
    all_fitted,
    dead_letter,
    input_origin,
    origin,
    refusal,
    shortened,
)
from makiserve.serving.processor import Processed
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
    """Produces the messages of processed records, and the dead letters.

    The limits of the topics are checked before the first message of a record is produced, so that a record results in
    all of its outputs or in a dead letter. If a topic refuses a timestamp, the current time replaces it and a header
    holds the original.

    Args:
        sender: produces the messages.
        settings: the topics.
        dead_partitions: number of partitions of the dead-letter topic.
    """

    def __init__(self, sender: Sender, settings: ServeSettings, dead_partitions: int) -> None:
        self._sender = sender
        self._settings = settings
        self._dead_partitions = dead_partitions
        self._origin = input_origin if settings.partition_by else origin

    def publish(self, messages: list[Message], processed: Processed) -> Published:
        """Produce the outgoing messages of a batch, in order, and its dead letters; return both."""
        times = self._times(self._settings.output)
        ready = all_fitted(processed.drafts, self._settings.output, times)
        refused = {} if self._are_small(processed.drafts) else self._refused(messages, processed.causes, ready)
        if refused:
            pairs = zip(processed.causes, ready, strict=True)
            ready = [message for cause, message in pairs if cause not in refused]
            processed = processed.without(refused)
        self._sender.send_all((_place(messages[cause]) for cause in processed.causes), ready)
        self.publish_dead_letters(messages, processed)
        self._publish_shadow(messages, processed)
        dropped = sum(record.dropped for record in processed.origins.values())
        return Published(processed.causes, processed.values, processed.dead, dropped)

    def publish_dead_letters(self, messages: list[Message], processed: Processed) -> None:
        """Produce the dead letters of a batch, with the current time as their timestamp.

        Raises:
            StoppedOnError: there is a dead letter, and the service is configured to stop on errors.
        """
        dead, origins, topic = processed.dead, processed.origins, self._settings.dead_letters
        if dead and self._settings.on_error == "stop":
            _stop(messages[dead[0][0]], dead[0][1])
        for index, error in dead:
            message = messages[index]
            record = origins.get(index) or origins.setdefault(index, self._origin(message))
            is_refused = self._sender.refused.get(_place(message), ("",))[0] == topic
            largest = BARE_BYTES if is_refused else self._sender.limits(topic).max_bytes
            key, value, headers = dead_letter(record, message.value(), processed.models[index], error, largest)
            number = message.partition() % self._dead_partitions
            self._sender.send(_place(message), Outgoing(topic, number, key, value, headers, _now_ms()))

    def _are_small(self, drafts: list[Draft]) -> bool:
        """Return whether the output topic accepts all messages, as far as this shows without adding up their parts."""
        limits = self._sender.limits(self._settings.output)
        if limits.needs_key or self._sender.refused:
            return False
        room = limits.max_bytes - BARE_BYTES  # a rekeyed record has its key in a header, too
        return all(
            not draft.record.headers
            and len(draft.key or b"") + len(draft.value or b"") + len(draft.record.key or b"") <= room
            for draft in drafts
        )

    def _refused(self, messages: list[Message], causes: list[int], ready: list[Outgoing]) -> dict[int, RecordError]:
        """Return the records with a message that the output topic refuses."""
        refused: dict[int, RecordError] = {}
        limits, is_new = self._sender.limits(self._settings.output), not self._sender.refused
        for cause, message in zip(causes, ready, strict=True):
            why = refusal(message, limits) if is_new else self._refusal(messages[cause], message)
            if why:
                refused.setdefault(cause, PublishError(why))
        return refused

    def _refusal(self, record: Message, message: Outgoing) -> str | None:
        """Return why the topic refuses a message, or why the broker refused it before; None if it is accepted."""
        refused = self._sender.refused.get(_place(record))
        if refused and refused[0] == message.topic:
            return refused[1]
        return refusal(message, self._sender.limits(message.topic))

    def _times(self, topic: str) -> Times:
        """Return the timestamps that a topic accepts now."""
        now_ms = _now_ms()
        return Times(*self._sender.limits(topic).times(now_ms), now_ms)

    def _publish_shadow(self, messages: list[Message], processed: Processed) -> None:
        """Produce the shadow's predictions, or the reason why it rejected the features.

        Messages that the topic refuses are shortened until it accepts them: a shadow must never cause a dead letter.
        """
        if processed.encode_shadow is None or self._settings.shadow_output is None:
            return
        topic, times = self._settings.shadow_output, self._times(self._settings.shadow_output)
        limits = self._sender.limits(topic)
        for cause, given in processed.shadow:
            record, place = given.record, _place(messages[cause])
            if limits.needs_key and record.key is None:
                record = replace(record, key=record.source[1])
            message = replace(given, key=record.key).fitted(topic, times)
            if why := self._refusal(messages[cause], message):
                is_refused = place in self._sender.refused
                added = [record.source, *times.fit(record.time_ms)[1], *given.added]
                key, _, headers = shortened(record, None, added, BARE_BYTES if is_refused else limits.max_bytes)
                key = record.source[1] if key is None and limits.needs_key else key
                message = replace(message, key=key, value=processed.encode_shadow(PublishError(why)), headers=headers)
            self._sender.send(place, message)


def _place(message: Message) -> Place:
    return message.partition(), message.offset()


def _now_ms() -> int:
    return int(time.time() * 1000)


def _stop(message: Message, error: RecordError) -> NoReturn:
    raise StoppedOnError(
        f"{message.topic()}[{message.partition()}]@{message.offset()}: {error.reason}: {error}. Stopped before "
        "this record because of --on-error stop; it is not committed. Correct the cause, or use --on-error "
        "dead-letter"
    ) from error
