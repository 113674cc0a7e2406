"""Audit: compare the outputs of a service with those of a replay, partition by partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from makiserve.errors import ConfigurationError, EncodeError, PublishError
from makiserve.kafka import (
    Connection,
    Message,
    MessageDecoder,
    OffsetRange,
    RangeReader,
    direct_decoder,
    offset_ranges,
    place_from_text,
)
from makiserve.kafka.intermediate_topic import intermediate_topic
from makiserve.offline.service_outputs import ActualOutputs, OutputReader, actual_outputs
from makiserve.records import Schema
from makiserve.scoring import Batch, Served
from makiserve.scoring.comparison import Comparison, Output, Position, compare
from makiserve.settings import AuditSettings


@dataclass
class ExpectedOutputs:
    """The outputs and dead letters of a replay.

    Attributes:
        offsets: of the first compared record, and one past the last; equal if no record was compared.
        outputs: by position, which is `topic[partition]` and offset.
        dead: the reasons of the dead letters, by position.
    """

    offsets: tuple[int, int]
    outputs: list[Output] = field(default_factory=list)
    dead: list[Output] = field(default_factory=list)

    def without_refused(self, refused: Mapping[Position, bytes]) -> ExpectedOutputs:
        """Return a copy in which each record whose output the service could not write is a dead letter.

        Whether a topic accepts a message depends on its settings at that time, and what a format represents on the
        schema that the service used, which a replay cannot know.

        Args:
            refused: the reason of each dead letter for such an output.
        """
        refused_outputs = {position for position, _ in self.outputs if position in refused}
        dead = [(position, refused[position]) for position in refused_outputs]
        return ExpectedOutputs(
            self.offsets,
            [output for output in self.outputs if output[0] not in refused_outputs],
            sorted([*self.dead, *dead], key=lambda entry: entry[0][1]),
        )


def expected_outputs(
    reader: RangeReader, decoder: MessageDecoder, model: Served, origin: OffsetRange, span: OffsetRange
) -> ExpectedOutputs:
    """Score a partition from the start of its state. Records before the span restore the state without output."""
    scorer, form, name = (
        model.scorer(),
        model.outputs(),
        f"{span.topic}[{span.partition}]",
    )
    lane, expected, is_live = scorer.new_lane(), ExpectedOutputs((span.end, span.end)), False
    for messages in reader.read_input(origin._replace(end=span.end, until_ms=span.until_ms)):
        records = decoder.decode(messages).records
        first = 0 if is_live else _first(messages, span)
        scorer.rebuild(Batch(lane, records[:first]))
        if first == len(messages):
            continue
        keys, offsets = zip(*((message.key(), message.offset()) for message in messages[first:]), strict=True)
        batch = Batch(lane, records[first:], scorer.challenged(keys, name, offsets))
        (scored,) = scorer.score([batch])
        encoded = form.encode(scored, batch.records)
        expected.offsets = expected.offsets[0] if is_live else offsets[0], offsets[-1] + 1
        expected.outputs += [
            ((name, offsets[cause]), value) for cause, value in zip(encoded.causes, encoded.values, strict=True)
        ]
        expected.dead += [((name, offsets[index]), error.reason.encode()) for index, error in encoded.dead]
        is_live = True
    return expected


def _first(messages: Sequence[Message], span: OffsetRange) -> int:
    """Return the index of the first message of a span."""
    begun = (
        index
        for index, message in enumerate(messages)
        if message.offset() >= span.start and message.timestamp()[1] >= (span.since_ms or 0)
    )
    return next(begun, len(messages))


UNWRITTEN = (PublishError.reason.encode(), EncodeError.reason.encode())
"""The reasons of dead letters for outputs that could not be written."""

MAX_SHOWN = 600
NOTHING = "nothing"


@dataclass(frozen=True)
class AuditMismatch:
    """The first record of a partition for which service and replay differ.

    Attributes:
        offset: of the record.
        expected: the output of the replay.
        actual: the output of the service.
        record: the input message, shortened.
    """

    offset: int
    expected: str
    actual: str
    record: str


@dataclass(frozen=True)
class Audited:
    """The result of auditing a partition.

    Attributes:
        name: `topic[partition]`.
        offsets: of the first compared record, and one past the last; equal if no record was compared.
        origin: the offset at which the replay began.
        is_committed: whether the service has a committed offset in the partition; if not, its progress is unknown.
        outputs: the comparison of the outputs.
        dead: the comparison of the dead letters, by their reasons.
        writers: number of outputs and dead letters by version and digest of the model.
        mismatch: the first difference; None if there is none.
    """

    name: str
    offsets: tuple[int, int]
    origin: int
    is_committed: bool
    outputs: Comparison
    dead: Comparison
    writers: Counter[tuple[str, str]]
    mismatch: AuditMismatch | None

    @property
    def agree(self) -> bool:
        """Return whether the outputs and dead letters of the service are those of the replay."""
        return self.outputs.agree and self.dead.agree


def audit(model: Served, connection: Connection, settings: AuditSettings) -> list[Audited]:
    """Replay the input of a service and compare the result with its output, separately for each partition.

    A lane's state depends on all records since it began. The replay starts there, without output. It compares from
    the requested start up to the committed offset of the service's group.

    Args:
        model: the model that the service should have served.
        connection: to the brokers, as the group of the service.
        settings: what to compare.

    Raises:
        ConfigurationError: the topic or the place does not exist, or the input is the intermediate topic of
            `--partition-by`.
        BrokerUnavailable: no broker answers.
    """
    refuse_intermediate_topic(settings.input, connection.broker.group)
    start, end, state = map(place_from_text, (settings.start, settings.end, settings.state_from))
    compared = offset_ranges(connection, settings.input, start, end)
    origins = offset_ranges(connection, settings.input, state, end)
    decoder = direct_decoder(Schema(model.record), connection.broker)
    with RangeReader(connection) as reader:
        # Read the committed offsets first: all outputs of the records before them are then in the topic.
        done = [reader.committed(span.topic, span.partition) for span in compared]
        values = OutputReader(model, connection.broker)
        outputs = actual_outputs(reader, connection, settings.output, settings.input, values)
        dead = actual_outputs(reader, connection, settings.dead_letters, settings.input)
        audited = []
        for span, origin, committed in zip(compared, origins, done, strict=True):
            name, bounded = f"{span.topic}[{span.partition}]", up_to_commit(span, committed)
            expected = expected_outputs(reader, decoder, model, origin, bounded)
            actual = [_within(messages.get(name, []), expected.offsets) for messages in (outputs, dead)]
            expected = expected.without_refused(
                {dead_letter.position: dead_letter.value for dead_letter in actual[1] if dead_letter.value in UNWRITTEN}
            )
            pair = values.normalized(expected.outputs), values.normalized(_plain(actual[0]))
            sides = (
                compare(*pair, tolerance=settings.tolerance),
                compare(expected.dead, _plain(actual[1]), tolerance=0),
            )
            writers = Counter(output.writer for output in (*actual[0], *actual[1]))
            mismatch = _mismatch(reader, bounded, expected, actual, sides)
            audited.append(
                Audited(name, expected.offsets, origin.start, committed is not None, *sides, writers, mismatch)
            )
        return audited


def refuse_intermediate_topic(name: str, group: str) -> None:
    """Raise if a topic is the intermediate topic of --partition-by.

    Raises:
        ConfigurationError: it is.
    """
    if name.startswith(intermediate_topic(group)):
        raise ConfigurationError(
            f"{name} is the intermediate topic of --partition-by. Outputs name the record of the service's input that "
            "caused them, so they cannot be matched with records of this topic. Instead, replay it (--replay "
            f"kafka:{name}) and compare the values of each partition in order"
        )


def up_to_commit(span: OffsetRange, committed: int | None) -> OffsetRange:
    """Return the part of a range before the committed offset, up to which all outputs are in the topic."""
    return span if committed is None else span._replace(end=max(span.start, min(span.end, committed)))


def _within(outputs: Sequence[ActualOutputs], offsets: tuple[int, int]) -> list[ActualOutputs]:
    return [output for output in outputs if offsets[0] <= output.position[1] < offsets[1]]


def _plain(outputs: Sequence[ActualOutputs]) -> list[Output]:
    return [(output.position, output.value) for output in outputs]


def _mismatch(
    reader: RangeReader,
    span: OffsetRange,
    expected: ExpectedOutputs,
    actual: Sequence[Sequence[ActualOutputs]],
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
        _compared(offset, expected.outputs, expected.dead),
        _compared(offset, _plain(actual[0]), _plain(actual[1])),
        record if len(record) <= MAX_SHOWN else record[: MAX_SHOWN - 1] + "…",
    )


def _compared(offset: int, outputs: Sequence[Output], dead: Sequence[Output]) -> str:
    """Describe in one line the outputs and dead letters of the record at an offset."""
    values = [value.decode(errors="replace") for position, value in outputs if position[1] == offset]
    values += [
        f"a dead letter ({reason.decode(errors='replace')})" for position, reason in dead if position[1] == offset
    ]
    return " and ".join(values) or NOTHING
