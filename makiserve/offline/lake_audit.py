"""Compare what a service has published with what a lake now gives for the same records, feature by feature."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pandas as pd

from makiserve.artifact import FeaturesOnly, PackagedModel
from makiserve.errors import ArgumentError, ConfigurationError, DecodeError
from makiserve.kafka import Connection, OffsetRange, RangeReader, direct_decoder, offset_ranges, place_from_text
from makiserve.offline.audit import refuse_intermediate_topic, up_to_commit
from makiserve.offline.differences import Differences, differences
from makiserve.offline.output import column_titles
from makiserve.offline.replay_run import replay
from makiserve.offline.service_outputs import OutputReader, actual_outputs
from makiserve.offline.sources import Block
from makiserve.records import Record, Schema
from makiserve.records.emitted_fields import attribute_of
from makiserve.scoring import Outputs, Scored
from makiserve.scoring.comparison import Output, Position
from makiserve.settings import AuditSettings

Identity = tuple[Hashable, ...]


@dataclass(frozen=True)
class LakeAudited:
    """The result of comparing a service with a lake.

    Attributes:
        records: number of records of the input that were compared.
        absent: number of these records that the lake does not have.
        extra: number of records of the lake that are not among them.
        reordered: number of records that arrived before an earlier record of their lane in the lake.
        differences: of the outputs; the lake's are the expected ones.
    """

    records: int
    absent: int
    extra: int
    reordered: int
    differences: Differences

    @property
    def agree(self) -> bool:
        """Return whether the lake has every record and gives the same outputs for it."""
        return self.differences.agree and not self.absent


class StreamRecords:
    """The positions of the records of a stream, by the fields that identify a record.

    Records with the same identity are distinguished by their order.

    Args:
        names: the attributes that identify a record.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._positions: dict[Identity, list[Position]] = {}
        self._matched: dict[Identity, int] = {}
        self.count = 0

    def add(self, positions: Iterable[Position], records: Iterable[Record | DecodeError]) -> None:
        """Add records of the stream. A record that does not fit the schema has no identity, and no output."""
        for position, record in zip(positions, records, strict=True):
            if not isinstance(record, DecodeError):
                self._positions.setdefault(self._identity(record), []).append(position)
                self.count += 1

    def find(self, record: Record | DecodeError) -> Position | None:
        """Return the position of the next record with the identity of a record of the lake; None if there is none."""
        if isinstance(record, DecodeError):
            return None
        identity = self._identity(record)
        positions, number = self._positions.get(identity, ()), self._matched.get(identity, 0)
        if number >= len(positions):
            return None
        self._matched[identity] = number + 1
        return positions[number]

    @property
    def absent(self) -> int:
        """The number of records that were not found so far."""
        return self.count - sum(self._matched.values())

    def _identity(self, record: Record) -> Identity:
        return tuple(getattr(record, name) for name in self._names)


class LakeOutputs:
    """A sink for a replay of the lake: the outputs of the records that are in the stream.

    Args:
        stream: the records of the stream.
        form: what is published.

    Attributes:
        outputs: the outputs, by the position of the record in the stream.
        extra: number of records that are not in the stream.
        reordered: number of records that arrived before an earlier record of their lane in the lake.
    """

    needs_records = True

    def __init__(self, stream: StreamRecords, form: Outputs) -> None:
        self._stream = stream
        self._form = form
        self.needs_features = form.needs_features
        self.outputs: list[Output] = []
        self.extra = self.reordered = 0
        self._latest: dict[tuple[Hashable, str], int] = {}

    def take(self, block: Block, scored: Scored) -> None:
        positions = [self._stream.find(record) for record in block.records]
        self.extra += positions.count(None)
        self._count_reordered(positions, block)
        encoded = self._form.encode(scored, block.records)
        for cause, value in zip(encoded.causes, encoded.values, strict=True):
            if (position := positions[cause]) is not None:
                self.outputs.append((position, value))

    def _count_reordered(self, positions: Sequence[Position | None], block: Block) -> None:
        lanes = block.lanes or [block.source] * len(positions)
        for lane, (partition, offset) in (
            (lane, position) for lane, position in zip(lanes, positions, strict=True) if position
        ):
            latest = self._latest.setdefault((lane, partition), offset)
            self.reordered += offset < latest
            self._latest[lane, partition] = max(offset, latest)


def audit_against_lake(
    model: PackagedModel | FeaturesOnly, connection: Connection, settings: AuditSettings, against: str
) -> LakeAudited:
    """Replay a lake table and compare its outputs with those that the service has published for the same records.

    Args:
        model: the model that the service should have served, with the `emit` of the service.
        connection: to the brokers, as the group of the service.
        settings: what to compare.
        against: the table; anything that can be replayed.

    Raises:
        ConfigurationError: a topic or field does not exist, the service has published nothing for these records, or its
            outputs and those of the model have no field in common.
        SourceError: the table cannot be read.
        BrokerUnavailable: no broker answers.
    """
    refuse_intermediate_topic(settings.input, connection.broker.group)
    schema = Schema(model.record)
    if not settings.identity:
        raise ArgumentError(
            "match_by", "", "name the fields that identify a record in the stream and in the lake, such as house,time"
        )
    stream = StreamRecords([attribute_of(schema, name, "match_by") for name in settings.identity])
    decoder = direct_decoder(schema, connection.broker)
    served: list[Output] = []
    with RangeReader(connection) as reader:
        spans = list(_spans(reader, connection, settings))
        values = OutputReader(model, connection.broker)
        outputs = actual_outputs(reader, connection, settings.output, settings.input, values)
        for span in spans:
            place, compared = f"{span.topic}[{span.partition}]", set()
            for messages in reader.read_input(span):
                positions = [(place, message.offset()) for message in messages]
                stream.add(positions, decoder.decode(messages).records)
                compared.update(positions)
            served += [
                (output.position, output.value) for output in outputs.get(place, ()) if output.position in compared
            ]
    if not served:
        raise ConfigurationError(
            f"{settings.output} has no output for the {stream.count:,} records of {settings.input} in this range"
        )
    lake = LakeOutputs(stream, model.outputs())
    replay(
        model,
        against,
        lane_by=settings.lane_by,
        time=settings.time,
        tie_by=settings.tie_by,
        collect=False,
        sinks=[lake],
    )
    expected, actual = (_frame(values.normalized(outputs)) for outputs in (lake.outputs, served))
    different = differences(expected, actual, against=against, tolerance=settings.tolerance)
    return LakeAudited(stream.count, stream.absent, lake.extra, lake.reordered, different)


def _spans(reader: RangeReader, connection: Connection, settings: AuditSettings) -> Iterator[OffsetRange]:
    """Yield the ranges to compare. They end at the committed offsets, which are read before the outputs."""
    start, end = map(place_from_text, (settings.start, settings.end))
    for span in offset_ranges(connection, settings.input, start, end):
        yield up_to_commit(span, reader.committed(span.topic, span.partition))


def _frame(outputs: Sequence[Output]) -> pd.DataFrame:
    """Return a column for each field of the outputs; the fields of an object, such as `features`, are columns too."""
    rows = []
    for (place, offset), value in outputs:
        fields = _flat(msgspec.json.decode(value))
        rows.append(
            {"source": place, "offset": offset, **dict(zip(column_titles(fields), fields.values(), strict=True))}
        )
    return pd.DataFrame(rows, columns=None if rows else ["source", "offset"])


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        inner = _flat(value) if isinstance(value, dict) else {}
        flat |= {f"{name}.{inner_name}": content for inner_name, content in inner.items()} if inner else {name: value}
    return flat
