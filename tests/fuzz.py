"""Random inputs for every decoder and every output encoder: `python -m tests.fuzz --inputs 1000000 --seed 1`.

Each input is made of a valid one by small damage, or at random. A target fails if it raises anything but the errors
that a record, a file or a state may cause. The first input of each failure is printed with the seed that makes it.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import fastavro
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from pyarrow import parquet

import makiserve.stream as rs
from makiserve.errors import ConfigurationError, DecodeError, RecordError, SourceError, StateError
from makiserve.kafka.offset_range import place_from_text
from makiserve.offline.output.parquet import ParquetWriter
from makiserve.offline.output.writers import CsvWriter, JsonLinesWriter
from makiserve.records import Record, Schema
from makiserve.records.avro import AvroDecoder, parse
from makiserve.records.content import Content
from makiserve.records.csv import read_csv
from makiserve.records.file import Reader, read_json_lines
from makiserve.records.parquet import read_parquet
from makiserve.records.protobuf import ProtobufDecoder, compiled
from makiserve.records.registry.wire import encoding_of, schema_id
from makiserve.records.typed import TypedColumn
from makiserve.records.unseen import UnseenFields
from makiserve.scoring import Outputs, Scored
from makiserve.serving.dead_letters.dead_letter import dead_letter_from_message
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata, offset_metadata_from_text
from makiserve.serving.state.segments import METADATA, SegmentLog, segment_records
from makiserve.settings.text import value_from_text
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.codec import _DECODERS, Codec
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

PACK = msgspec.msgpack.encode
PATH = Path("fuzz")


class Reading(Record):
    time: int
    value: float
    at: datetime | None = None
    span: timedelta | None = None
    amount: Decimal | None = None
    id: UUID | None = None
    kind: Literal["a", "b"] | None = None
    share: Annotated[float, msgspec.Meta(ge=0)] | None = None
    parts: list[float | None] | None = None
    more: dict[str, int] | None = None
    note: str = ""


class Features(NamedTuple):
    value: Any
    other: Any


class Pair(NamedTuple):
    left: int
    right: int


SCHEMA = Schema(Reading)
GOOD = {
    "time": 1,
    "value": 1.5,
    "at": "2013-01-01T05:00:00.5Z",
    "span": "PT5S",
    "amount": "1.50",
    "id": str(UUID(int=7)),
    "kind": "a",
    "share": 0.5,
    "parts": [1.0, None],
    "more": {"x": 1},
    "note": 'ä "b", c',
}
JSON = json.dumps(GOOD, ensure_ascii=False).encode()
CSV = (
    "time,value,at,span,amount,id,kind,share,note\n"
    + f"1,1.5,2013-01-01T05:00:00Z,PT5S,1.50,{UUID(int=7)},a,0.5,x\n" * 2
    + '2,+.5,,,NA,,b,,"several\nlines, ""quoted"""\n3,nan,null,,,,,,ä\n'
).encode()
TOKENS = [
    *(
        b'"',
        b'""',
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"{",
        b"}",
        b"[",
        b"]",
        b"NaN",
        b"-",
    ),
    *(
        b"Infinity",
        b"1e999",
        b"9" * 30,
        b"null",
        b"true",
        b"\\ud800",
        b"\\",
        b":",
        b";",
        b"\t",
        b"|",
        b"'",
        b"\xef\xbb\xbf",
    ),
]
KINDS: list[Any] = [float, int, bool, str, bytes, datetime, timedelta, Decimal, UUID, float | None, list[float], Any]
STORED: list[Any] = [
    *(pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.string(), pa.large_string()),
    *(pa.binary(), pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
    *(pa.timestamp(unit, zone) for unit in ("s", "ms", "us", "ns") for zone in (None, "UTC", "Asia/Tokyo", "no/zone")),
    *(pa.duration(unit) for unit in ("s", "ms", "us", "ns")),
    *(pa.decimal128(38, 3), pa.decimal256(76, 0), pa.binary(16), pa.month_day_nano_interval()),
]
GROUPS = trace(rs.ops.group_by(lambda item: item.time, rs.data.roll(window=3, stride=1, pipeline=rs.ops.count())))
CHECKPOINTS = Checkpoints(Program(GROUPS, is_tracked=True))
EMPTY = CHECKPOINTS.dump(CHECKPOINTS.scope.new(None))
SEGMENTS = SegmentLog()
((SEGMENT_KEY, FIRST),) = segment_records(SEGMENTS, "00000001", 5, b"\x90")
HEAD = (FIRST or b"")[:-1]
COMMITTED = OffsetMetadata(0, "plan", "digest", 1, "in", "00000001", checkpoint=5, manifest=SEGMENTS.manifest(1))
MARK_TEXT = str(COMMITTED).encode()
OUTPUTS = Outputs(Reading, Features._fields, emit=("prediction", "features"), has_model=True, has_post=False)
PARQUET = io.BytesIO()
parquet.write_table(pa.Table.from_pylist([{"time": 1, "value": 1.5, "note": "x", "parts": [1.0]}] * 3), PARQUET)


def damaged(random: Random, data: bytes) -> bytes:
    """Return data with a few bytes removed, duplicated, replaced or inserted."""
    result = bytearray(data)
    for _ in range(random.randrange(1, 5)):
        at, length = random.randrange(len(result) + 1), random.randrange(8)
        part = random.choice((b"", result[at : at + length] * 2, random.randbytes(length), random.choice(TOKENS)))
        result[at : at + random.choice((0, length))] = part
    return bytes(result)


def plain(random: Random, depth: int = 3) -> Any:
    """Return a value that JSON or msgpack might hold."""
    if depth and random.random() < 0.4:
        items = [plain(random, depth - 1) for _ in range(random.randrange(4))]
        return items if random.random() < 0.6 else {str(index): item for index, item in enumerate(items)}
    tags = ["T", "Pair", "<f8", "O", *_DECODERS]
    choices: tuple[Any, ...] = (None, True, -1, 2**63, 1.5, float("nan"), float("inf"), "", "a", random.choice(tags))
    return random.choice((*choices, random.randbytes(4), random.getrandbits(64)))


def odd(random: Random) -> Any:
    """Return what a model might predict or a pipeline emit."""
    choices: tuple[Any, ...] = (
        *(plain(random), np.float32(1.5), np.int64(3), np.array([1.0, np.nan]), np.array(["a", None], object)),
        *(np.datetime64("NaT"), np.datetime64(2**62, "s"), np.timedelta64(5, "ns"), pd.NA, pd.NaT, pd.Timestamp(0)),
        *(
            pd.Timedelta(5),
            Decimal("NaN"),
            Decimal("1e99"),
            datetime.max,  # noqa: DTZ901  without a zone
            timedelta.max,
            2**70,
            1 + 2j,
            b"\xff",
            "\ud800",
        ),
        *(object(), {1: 2}, {(1, 2): 3}, {1, 2}, Pair(1, 2), np.bool_(1), np.void(b"x"), UUID(int=7), "x" * 1000),
        *(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), np.float16(np.inf), np.array(5), range(3), "", None),
    )
    return random.choice(choices)


def message(random: Random) -> bytes:
    if random.random() < 0.5:
        return damaged(random, JSON)
    values = {**GOOD, random.choice(list(GOOD)): plain(random), random.choice(list(GOOD)): plain(random)}
    return json.dumps(values, default=str).encode()


def fuzz_messages(random: Random) -> None:
    check_decoded(SCHEMA.decode_messages([message(random), None, JSON]), 3)


def check_decoded(records: Sequence[Any], count: int | None = None) -> None:
    assert count in (None, len(records))
    for record in records:
        assert isinstance(record, (Reading, DecodeError))
        assert not isinstance(record, DecodeError) or len(str(record)) < 1000


def read(reader: Reader, data: bytes) -> None:
    content = Content(data[: 1 << 20], io.BytesIO(data), io.BytesIO(data))
    with suppress(SourceError):
        for block in reader(content, PATH, SCHEMA, UnseenFields(SCHEMA)):
            check_decoded(block)


AVRO_TEXT = json.dumps(
    {
        "type": "record",
        "name": "Reading",
        "fields": [
            {"name": "other", "type": {"type": "map", "values": {"type": "array", "items": "null"}}},
            {"name": "time", "type": "long"},
            {"name": "value", "type": ["double", "long", "null"]},
            {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-nanos"}]},
            {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["a", "b"]}},
            {"name": "parts", "type": {"type": "array", "items": ["null", "double"]}},
            {"name": "more", "type": {"type": "map", "values": "int"}},
            {"name": "note", "type": "string"},
        ],
    }
)
AVRO_DATA = io.BytesIO()
fastavro.schemaless_writer(
    AVRO_DATA,
    fastavro.parse_schema(json.loads(AVRO_TEXT)),
    {"other": {"x": [None]}, "time": 1, "value": 1.5, "at": 5, "amount": Decimal(1), "kind": "a", "note": "x"}
    | {"parts": [1.0, None], "more": {"x": 1}},
)
AVRO = AvroDecoder(parse(AVRO_TEXT), SCHEMA)
PROTO_FILE = FileDescriptorProto(name="x.proto", package="a", syntax="proto3")
PROTO_TYPE = PROTO_FILE.message_type.add(name="Reading")
for number, (name, kind, label) in enumerate(
    [("time", 3, 1), ("value", 1, 1), ("note", 9, 1), ("parts", 1, 3), ("amount", 12, 1), ("kind", 5, 1)]
):
    PROTO_TYPE.field.add(name=name, number=number + 1, type=kind, label=label)
PROTOBUF = ProtobufDecoder(compiled(base64.b64encode(PROTO_FILE.SerializeToString()).decode()), SCHEMA)
PROTO_DATA = b"\0" + b"\x08\x01" + b"\x11" + bytes(7) + b"\x3f" + b"\x1a\x01x" + b"\x22\x08" + bytes(8)


def fuzz_avro(random: Random) -> None:
    with suppress(DecodeError):
        check_decoded([AVRO.decode(damaged(random, AVRO_DATA.getvalue()))])


def fuzz_avro_schemas(random: Random) -> None:
    with suppress(DecodeError):
        decoder = AvroDecoder(parse(damaged(random, AVRO_TEXT.encode()).decode(errors="replace")), SCHEMA)
        check_decoded([decoder.decode(random.choice((AVRO_DATA.getvalue(), random.randbytes(40))))])


def fuzz_protobuf(random: Random) -> None:
    with suppress(DecodeError):
        check_decoded([PROTOBUF.decode(damaged(random, PROTO_DATA))])


def fuzz_schema_ids(random: Random) -> None:
    header = random.choice((None, damaged(random, b"\1" + bytes(16)), random.randbytes(random.randrange(9))))
    with suppress(DecodeError):
        if encoded := encoding_of(damaged(random, b"\0\0\0\0\7abc"), header).schema:
            assert str(schema_id(encoded))


def fuzz_csv(random: Random) -> None:
    header, _, rows = CSV.partition(b"\n")
    keeps_header = random.random() < 0.8
    read(read_csv, header + b"\n" + damaged(random, rows) if keeps_header else damaged(random, CSV))


def fuzz_json_lines(random: Random) -> None:
    read(read_json_lines, damaged(random, b"\n".join((message(random), JSON, b"", message(random)))))


def fuzz_parquet(random: Random) -> None:
    read(read_parquet, damaged(random, PARQUET.getvalue()))


def fuzz_arrow(random: Random) -> None:
    """Any bits in a column of any type."""
    kind, count = random.choice(STORED), random.randrange(1, 4)
    ends = sorted(random.randrange(9) for _ in range(count))
    width = 8 if pa.types.is_large_string(kind) else 4
    offsets = b"".join(end.to_bytes(width, "little") for end in [0, *ends])
    bits = b"".join(random.choice((bytes(16), random.randbytes(16), b"\xff" * 16)) for _ in range(2 * count))
    has_offsets = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
    valid = pa.py_buffer(random.randbytes(1)) if random.random() < 0.5 else None
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(bits)] if has_offsets else [valid, pa.py_buffer(bits)]
    column = pa.Array.from_buffers(kind, count, buffers)
    wrapped = random.choice(
        (column, column.slice(1), pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), column))
    )
    values = TypedColumn("x", random.choice(KINDS)).values(wrapped)
    assert len(values) == len(wrapped)
    assert all(not isinstance(value, DecodeError) or len(str(value)) < 1000 for value in values)


def fuzz_codec(random: Random) -> None:
    with suppress(StateError):
        Codec({"Pair": Pair}).from_plain(plain(random))


def fuzz_checkpoints(random: Random) -> None:
    good = msgspec.msgpack.decode(EMPTY)
    with suppress(StateError):
        CHECKPOINTS.load(random.choice((damaged(random, EMPTY), PACK([*good[:3], plain(random)]))))


def fuzz_state(random: Random) -> None:
    contents = (PACK([[0, PACK(plain(random))]]), PACK([[0, random.randbytes(5)]]), PACK(plain(random)))
    key = random.choice((SEGMENT_KEY, SEGMENT_KEY, random.randbytes(3)))
    reader = Contents()
    with suppress(StateError):
        reader.add(
            {
                key: HEAD + random.choice(contents),
                METADATA: random.choice((MARK_TEXT, damaged(random, MARK_TEXT))),
            }.items()
        )
        reader.saved((Parts(CHECKPOINTS),), COMMITTED)


def fuzz_marks(random: Random) -> None:
    with suppress(StateError):
        offset_metadata_from_text(damaged(random, MARK_TEXT).decode(errors="replace"))


class Received(NamedTuple):
    """A message of a dead-letter topic."""

    raw_headers: list[tuple[str, bytes]] | None

    def topic(self) -> str:
        return "letters"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 0

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return b"\xff"

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.raw_headers

    def timestamp(self) -> tuple[int, int]:
        return 1, -1


def fuzz_dead_letters(random: Random) -> None:
    good = [("makiserve.source", b"house[0]@5"), ("makiserve.reason", b"decode"), ("makiserve.time", b"1")]
    names = ["makiserve.source", "makiserve.redriven", "makiserve.time", "x", "é"]
    record_headers = [(random.choice(names), damaged(random, b"5")) for _ in range(random.randrange(4))]
    added = [(name, damaged(random, value) if random.random() < 0.3 else value) for name, value in good]
    dead_letter = dead_letter_from_message(Received([*record_headers, *added]))
    if dead_letter:
        dead_letter.redriven_headers()


def fuzz_settings(random: Random) -> None:
    text = damaged(random, random.choice((b"100ms", b"64MB", b"2026-11-25T10:00Z", b"earliest"))).decode(
        errors="replace"
    )
    with suppress(ValueError):
        value_from_text(random.choice((timedelta, int, float, bool)), text)
    with suppress(ConfigurationError):
        place_from_text(text)


def fuzz_outputs(random: Random) -> None:
    """Whatever a model gives is an output or a dead letter. An output can be written in every format."""
    count = random.randrange(1, 4)
    scored = Scored(
        list(range(count)), [Features(odd(random), 1) for _ in range(count)], [odd(random) for _ in range(count)], []
    )
    records: list[Any] = [None] * count
    encoded = OUTPUTS.encode(scored, records)
    assert sorted({*encoded.causes, *(index for index, _ in encoded.dead)}) == list(range(count))
    assert all(isinstance(error, RecordError) for _, error in encoded.dead)
    for value in encoded.values:
        msgspec.json.decode(value)
    OUTPUTS.encode_shadow(odd(random))
    causes, objects = OUTPUTS.objects(OUTPUTS.writable(scored, records), records)
    for writer_of in (CsvWriter, JsonLinesWriter, ParquetWriter) if causes else ():
        with suppress(SourceError):
            writer = writer_of(io.BytesIO(), ["offset"], OUTPUTS)
            writer.write({"source": ["x"] * len(causes), "offset": list(causes)}, list(objects))
            writer.close()


TARGETS: dict[str, tuple[Callable[[Random], None], int]] = {
    "messages": (fuzz_messages, 30),
    "avro": (fuzz_avro, 20),
    "avro schemas": (fuzz_avro_schemas, 2),
    "protobuf": (fuzz_protobuf, 10),
    "schema ids": (fuzz_schema_ids, 5),
    "csv": (fuzz_csv, 4),
    "json lines": (fuzz_json_lines, 15),
    "parquet": (fuzz_parquet, 2),
    "arrow": (fuzz_arrow, 6),
    "codec": (fuzz_codec, 10),
    "checkpoints": (fuzz_checkpoints, 5),
    "state topic": (fuzz_state, 5),
    "offset metadata": (fuzz_marks, 5),
    "dead letters": (fuzz_dead_letters, 5),
    "settings": (fuzz_settings, 5),
    "outputs": (fuzz_outputs, 2),
}
"""What is tried, and how often in proportion."""


def run(inputs: int, seed: int, report: Callable[[str], None], targets: Sequence[str] = tuple(TARGETS)) -> Counter[str]:
    """Try this many inputs; return the number of failures by target and error."""
    names, weights = list(targets), [TARGETS[name][1] for name in targets]
    choose, failed = Random(seed), Counter[str]()
    for number in range(inputs):
        (name,) = choose.choices(names, weights)
        input_seed = choose.getrandbits(64)
        try:
            TARGETS[name][0](Random(input_seed))
        except Exception as error:  # noqa: BLE001  the errors to find
            failure = f"{name}: {type(error).__name__}: {str(error)[:100]}"
            place = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{name}: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
            if not failed[kind]:
                call = f"TARGETS[{name!r}][0](Random({input_seed}))"
                report(f"{failure}\n  input {number:,}: {call}\n{traceback.format_exc()}")
            failed[kind] += 1
        if number and not number % 100_000:
            report(f"{number:,} inputs, {failed.total()} failures")
    return failed


def main(report: Callable[[str], None] = print) -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    failed = run(given.inputs, given.seed, report)
    report(
        "\n".join(
            [f"{given.inputs:,} inputs, {failed.total()} failures", *(f"{failed[kind]:,} of {kind}" for kind in failed)]
        )
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
