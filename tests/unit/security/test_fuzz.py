"""Whatever comes in, a decoder gives a value or refuses it in its own words; nothing else ever leaves it."""

from __future__ import annotations

import ast
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makiserve
import makiserve.stream as rs
from makiserve.errors import ConfigurationError, DecodeError, SourceError, StateError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.record import MAX_JSON_BYTES
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata, offset_metadata_from_text
from makiserve.serving.state.segment_log import METADATA, SegmentLog, segment_records
from makiserve.settings import SECTIONS, Settings, given_by_file, options
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.codec import _DECODERS, Codec
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

PACKAGE = Path(makiserve.__file__).parent
DEEP = 100_000


class Reading(Record):
    time: int
    value: float
    note: str = ""
    parts: list[int] | None = None


class Pair(NamedTuple):
    left: int
    right: int


SCHEMA = Schema(Reading)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["time", "value", "parts"]), inner),
    max_leaves=10,
)
PACK = msgspec.msgpack.encode
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=16),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(st.sampled_from(["T", *_DECODERS]), inner, inner).map(list)
        | st.tuples(st.sampled_from(["T", *_DECODERS]), st.sampled_from(["Pair", "<f8", "O", "1e999"]), inner).map(list)
    ),
    max_leaves=12,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_json_message_is_a_record_or_a_dead_letter(data: bytes) -> None:
    (record,) = SCHEMA.decode_messages([data])
    assert isinstance(record, (Reading, DecodeError))


def hostile_messages() -> dict[str, bytes]:
    return {
        "deep": b"[" * DEEP,
        "deep objects": b'{"time":1,"value":1,"x":' + b'{"k":' * DEEP,
        "deep field": b'{"time":1,"value":1,"parts":' + b"[" * DEEP + b"]" * DEEP + b"}",
        "long number": b'{"time":' + b"9" * DEEP + b',"value":1}',
        "lone surrogate": b'{"time":1,"value":1,"note":"\\ud800"}',
        "zeros": b"\x00" * DEEP,
        "50 MB": b'{"time":1,"value":1,"note":"' + b"x" * 50_000_000 + b'"}',
        "a million lists": b'{"time":1,"value":1,"parts":[' + b"[]," * (MAX_JSON_BYTES // 3) + b"1]}",
    }


def test_hostile_messages_are_dead_letters_with_a_short_reason() -> None:
    for name, data in hostile_messages().items():
        (decoded,) = SCHEMA.decode_messages([data])
        assert isinstance(decoded, DecodeError), name
        assert len(str(decoded)) < 300, name


def test_a_message_of_the_largest_size_is_read() -> None:
    head, tail = b'{"time":1,"value":1,"note":"', b'"}'
    note = b"x" * (MAX_JSON_BYTES - len(head + tail))
    assert msgspec.structs.asdict(SCHEMA.decode_json(head + note + tail))["note"] == note.decode()
    with pytest.raises(DecodeError, match=f"{MAX_JSON_BYTES + 1:,} bytes is too large .limit {MAX_JSON_BYTES:,}"):
        SCHEMA.decode_json(head + note + b"x" + tail)


# pyarrow cannot give our handler a row with too many cells that is not UTF-8: it prints so, and refuses the file.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@given(st.binary(max_size=200), st.sampled_from([".csv", ".tsv", ".jsonl", ""]))
def test_random_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, ending: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz{ending}"
    path.write_bytes(b"time,value\n" + data if ending in (".csv", ".tsv") else data)
    with suppress(SourceError):
        for block in RecordFile(path, SCHEMA):
            assert all(isinstance(row, (Reading, DecodeError)) for row in block)


@given(PLAIN)
def test_a_value_of_a_checkpoint_is_read_or_refused(plain: Any) -> None:
    with suppress(StateError):
        Codec({"Pair": Pair}).from_plain(plain)


GROUPS = trace(rs.ops.group_by(lambda reading: reading.time, rs.data.roll(window=3, stride=1, pipeline=rs.ops.count())))
CHECKPOINTS = Checkpoints(Program(GROUPS, is_tracked=True))
SEGMENTS = SegmentLog()
((SEGMENT_KEY, FIRST),) = segment_records(SEGMENTS, "00000001", 5, b"\x90")
HEAD = (FIRST or b"")[:-1]
COMMITTED = OffsetMetadata(0, "plan", "digest", 1, "in", "00000001", checkpoint=5, manifest=SEGMENTS.manifest(1))
MARK_TEXT = str(COMMITTED).encode()


@given(st.binary(), PLAIN)
def test_a_checkpoint_is_read_or_refused(damage: bytes, plain: Any) -> None:
    good = msgspec.msgpack.decode(CHECKPOINTS.dump(CHECKPOINTS.scope.new(None)))
    for data in (damage, msgspec.msgpack.encode([*good[:3], plain]), b"\x91" * DEEP):
        with suppress(StateError):
            CHECKPOINTS.load(data)


@given(st.dictionaries(st.binary(max_size=4) | PLAIN.map(PACK), st.binary() | PLAIN.map(PACK)), PLAIN)
def test_random_state_topic_is_read_or_refused(records: dict[bytes, bytes], plain: Any) -> None:
    contents = [PACK([[0, PACK(plain)]]), PACK(plain), b"\x91" * DEEP, PACK([[0, b"\x91" * DEEP]])]
    written = [{SEGMENT_KEY: HEAD + content, METADATA: MARK_TEXT} for content in contents]
    for content in (records | {METADATA: MARK_TEXT}, *(records | entries for entries in written)):
        reader = Contents()
        reader.add(content.items())
        with suppress(StateError):
            reader.saved((Parts(CHECKPOINTS),), COMMITTED)


@given(st.text() | JSON.map(json.dumps))
def test_offset_metadata_is_parsed_or_refused(text: str) -> None:
    with suppress(StateError):
        offset_metadata_from_text(text)


KEYS = st.sampled_from(["model", "serve.input", "serve.max-batch", "serve.commit-interval", "kafka.a.b", "kafka"])
TOML = st.builds(lambda key, value: f"{key} = {json.dumps(value)}".encode(), KEYS, JSON)


@given(st.binary() | TOML)
def test_a_configuration_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "makiserve.toml"
    path.write_bytes(data)
    with suppress(ConfigurationError):
        Settings(SECTIONS, given_by_file([option for section in SECTIONS for option in options(section)], path))


@pytest.mark.slow
def test_no_module_that_executes_data_is_imported() -> None:
    refused = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    to_topics = ("kafka", "records", "scoring", "serving", "stream")  # cli and offline send to processes of their own
    for path in (file for name in to_topics for file in (PACKAGE / name).rglob("*.py")):
        tree = ast.parse(path.read_text())
        imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = {alias.name for import_node in imports for alias in import_node.names}
        names |= {str(getattr(import_node, "module", "")) for import_node in imports}
        assert not {name.partition(".")[0] for name in names} & refused, path
