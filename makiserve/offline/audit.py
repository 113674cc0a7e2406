"""A partition again: what a replay gives for a span of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from makiserve.errors import PublishError
from makiserve.kafka import (
    Connection,
    Message,
    OffsetRange,
    RangeReader,
    offset_ranges,
    place_from_text,
    read_headers,
    records_from_messages,
)
from makiserve.offline.comparison.compare import Comparison, Output, Position, compare
from makiserve.records import Schema
from makiserve.scoring import Batch, Served
from makiserve.settings import AuditSettings


@dataclass
class ExpectedOutputs:
    """What a replay gives.

    Attributes:
        offsets: the first record that was compared, and the one after the last; the same where there were none.
        outputs: by position, `topic[partition]` and offset.
        dead: the reasons of the dead letters, likewise.
    """

    offsets: tuple[int, int]
    outputs: list[Output] = field(default_factory=list)
    dead: list[Output] = field(default_factory=list)

    def without_refused(self, refused: Collection[Position]) -> ExpectedOutputs:
        """Return the same with dead letters for records of which the service's output topic refused an output.

        Whether a topic takes a message depends on its settings at that time, which a replay cannot know.
        """
        found = {position for position, _ in self.outputs if position in refused}
        letters = [(position, PublishError.reason.encode()) for position in found]
        return ExpectedOutputs(
            self.offsets,
            [output for output in self.outputs if output[0] not in found],
            sorted([*self.dead, *letters], key=lambda letter: letter[0][1]),
        )


def expected_outputs(reader: RangeReader, model: Served, origin: OffsetRange, span: OffsetRange) -> ExpectedOutputs:
    """Score a partition from where its state began; what is before the span passes in silence."""
    schema, scorer, form, name = (
        Schema(model.record),
        model.scorer(),
        model.outputs(),
        f"{span.topic}[{span.partition}]",
    )
    lane, again, is_live = scorer.new_lane(), ExpectedOutputs((span.end, span.end)), False
    for messages in reader.read_input(origin._replace(end=span.end, until_ms=span.until_ms)):
        records = records_from_messages(messages, schema)
        first = 0 if is_live else _first(messages, span)
        scorer.rebuild(Batch(lane, records[:first]))
        if first == len(messages):
            continue
        keys, offsets = zip(*((message.key(), message.offset()) for message in messages[first:]), strict=True)
        batch = Batch(lane, records[first:], scorer.challenged(keys, name, offsets))
        (scored,) = scorer.score([batch])
        encoded = form.encode(scored, batch.records)
        again.offsets = again.offsets[0] if is_live else offsets[0], offsets[-1] + 1
        again.outputs += [
            ((name, offsets[cause]), value) for cause, value in zip(encoded.causes, encoded.values, strict=True)
        ]
        again.dead += [((name, offsets[index]), error.reason.encode()) for index, error in encoded.dead]
        is_live = True
    return again


def _first(messages: Sequence[Message], span: OffsetRange) -> int:
    """The index of the first message of a span."""
    begun = (
        index
        for index, message in enumerate(messages)
        if message.offset() >= span.start and message.timestamp()[1] >= (span.since_ms or 0)
    )
    return next(begun, len(messages))


SOURCE, VERSION, DIGEST, REASON = (f"makiserve.{name}" for name in ("source", "version", "digest", "reason"))
"""The headers of what a service writes."""

PLACE = re.compile(r"(.+)\[([0-9]{1,9})\]@([0-9]{1,18})")


class ActualOutputs(NamedTuple):
    """An output, or a dead letter.

    Attributes:
        position: of the record that it comes from: `topic[partition]` and offset.
        value: of an output; of a dead letter the reason.
        writer: version and digest of the model that made it.
    """

    position: Position
    value: bytes
    writer: tuple[str, str]


def actual_outputs(
    reader: RangeReader, connection: Connection, topic: str, source: str
) -> dict[str, list[ActualOutputs]]:
    """All that is in a topic and comes from a record of `source`, by that record's partition, in order.

    Raises:
        ConfigurationError: there is no such topic.
    """
    found: dict[str, list[ActualOutputs]] = {}
    for span in offset_ranges(connection, topic, place_from_text("earliest"), place_from_text("latest")):
        for messages in reader.read(span):
            for one in filter(None, map(_written, messages)):
                if one.position[0].rpartition("[")[0] == source:
                    found.setdefault(one.position[0], []).append(one)
    return found


def _written(message: Message) -> ActualOutputs | None:
    """Return what a message holds; None if another program wrote it. Of headers with the same name the last counts."""
    headers = {name: value or b"" for name, value in read_headers(message).headers}
    place = PLACE.fullmatch(headers.get(SOURCE, b"").decode(errors="replace"))
    if not place:
        return None
    value = headers.get(REASON, message.value() or b"")
    writer = headers.get(VERSION, b"").decode(errors="replace"), headers.get(DIGEST, b"").decode(errors="replace")
    return ActualOutputs((f"{place[1]}[{place[2]}]", int(place[3])), value, writer)


LONGEST = 600
NOTHING = "nothing"


@dataclass(frozen=True)
class AuditMismatch:
    """The first record of a partition on which service and replay part.

    Attributes:
        offset: of the record.
        expected: what the replay gives for it.
        found: what the service wrote.
        record: the message as it came in, shortened.
    """

    offset: int
    expected: str
    found: str
    record: str


@dataclass(frozen=True)
class Audited:
    """What was found in a partition.

    Attributes:
        name: `topic[partition]`.
        offsets: the first record that was compared, and the one after the last; the same where there were none.
        origin: the offset at which the replay began.
        is_committed: whether the service has committed anything of it; otherwise nobody knows how far it is.
        outputs: the comparison of the outputs.
        dead: of the dead letters, by their reasons.
        writers: how many of both were written by which version and digest.
        parting: where the two part; None where they do not.
    """

    name: str
    offsets: tuple[int, int]
    origin: int
    is_committed: bool
    outputs: Comparison
    dead: Comparison
    writers: Counter[tuple[str, str]]
    parting: AuditMismatch | None

    @property
    def agree(self) -> bool:
        """Whether the service wrote what the replay gives."""
        return self.outputs.agree and self.dead.agree


def audit(model: Served, connection: Connection, settings: AuditSettings) -> list[Audited]:
    """Replay what came in, and compare with what the service wrote for it, each partition by itself.

    A lane's state depends on all records since it began: the replay begins there, in silence, and compares from where
    it was told to, up to what the group of the service has committed.

    Args:
        model: that the service is to have served.
        connection: to the brokers, as the group of the service.
        settings: what to compare.

    Raises:
        ConfigurationError: there is no such topic or place.
        BrokerUnavailable: no broker answers.
    """
    start, end, state = map(place_from_text, (settings.start, settings.end, settings.state_from))
    compared = offset_ranges(connection, settings.input, start, end)
    origins = offset_ranges(connection, settings.input, state, end)
    with RangeReader(connection) as reader:
        # What is committed is asked for first: what is written for it is there by then.
        done = [reader.committed(span.topic, span.partition) for span in compared]
        outputs = actual_outputs(reader, connection, settings.output, settings.input)
        dead = actual_outputs(reader, connection, settings.dead_letters, settings.input)
        found = []
        for span, origin, committed in zip(compared, origins, done, strict=True):
            name, bounded = f"{span.topic}[{span.partition}]", _bounded(span, committed)
            again = expected_outputs(reader, model, origin, bounded)
            own = [_within(each.get(name, []), again.offsets) for each in (outputs, dead)]
            again = again.without_refused(
                {letter.position for letter in own[1] if letter.value == PublishError.reason.encode()}
            )
            sides = (
                compare(again.outputs, _plain(own[0]), tolerance=settings.tolerance),
                compare(again.dead, _plain(own[1]), tolerance=0),
            )
            writers = Counter(one.writer for one in (*own[0], *own[1]))
            parting = _parting(reader, bounded, again, own, sides)
            found.append(Audited(name, again.offsets, origin.start, committed is not None, *sides, writers, parting))
        return found


def _bounded(span: OffsetRange, committed: int | None) -> OffsetRange:
    return span if committed is None else span._replace(end=max(span.start, min(span.end, committed)))


def _within(found: Sequence[ActualOutputs], offsets: tuple[int, int]) -> list[ActualOutputs]:
    return [one for one in found if offsets[0] <= one.position[1] < offsets[1]]


def _plain(found: Sequence[ActualOutputs]) -> list[Output]:
    return [(one.position, one.value) for one in found]


def _parting(
    reader: RangeReader,
    span: OffsetRange,
    again: ExpectedOutputs,
    own: Sequence[Sequence[ActualOutputs]],
    sides: Sequence[Comparison],
) -> AuditMismatch | None:
    places = [output[0][1] for side in sides for output in side.first or () if output is not None]
    if not places:
        return None
    offset = min(places)
    messages = (
        message
        for part in reader.read_input(OffsetRange(span.topic, span.partition, offset, offset + 1))
        for message in part
    )
    record = next((message.value() or b"" for message in messages), b"").decode(errors="replace")
    return AuditMismatch(
        offset,
        _told(offset, again.outputs, again.dead),
        _told(offset, _plain(own[0]), _plain(own[1])),
        record if len(record) <= LONGEST else record[: LONGEST - 1] + "…",
    )


def _told(offset: int, outputs: Sequence[Output], dead: Sequence[Output]) -> str:
    """What is said of a record."""
    values = [value.decode(errors="replace") for position, value in outputs if position[1] == offset]
    values += [
        f"a dead letter ({reason.decode(errors='replace')})" for position, reason in dead if position[1] == offset
    ]
    return " and ".join(values) or NOTHING
