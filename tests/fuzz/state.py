"""Checkpoints, the state topic and offset metadata."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import msgspec

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.serving.state.contents import Contents
from makiserve.serving.state.offset_metadata import OffsetMetadata, offset_metadata_from_text
from makiserve.serving.state.segment_log import METADATA, SegmentLog, segment_records
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.codec import Codec
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from tests.fuzz.inputs import Pair, damaged, plain

PACK = msgspec.msgpack.encode
GROUPS = trace(rs.ops.group_by(lambda item: item.time, rs.data.roll(window=3, stride=1, pipeline=rs.ops.count())))
CHECKPOINTS = Checkpoints(Program(GROUPS, is_tracked=True))
EMPTY = CHECKPOINTS.dump(CHECKPOINTS.scope.new(None))
SEGMENTS = SegmentLog()
((SEGMENT_KEY, FIRST),) = segment_records(SEGMENTS, "00000001", 5, b"\x90")
HEAD = (FIRST or b"")[:-1]
COMMITTED = OffsetMetadata(0, "plan", "digest", 1, "in", "00000001", checkpoint=5, manifest=SEGMENTS.manifest(1))
METADATA_TEXT = str(COMMITTED).encode()


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
                METADATA: random.choice((METADATA_TEXT, damaged(random, METADATA_TEXT))),
            }.items()
        )
        reader.saved((Parts(CHECKPOINTS),), COMMITTED)


def fuzz_offset_metadata(random: Random) -> None:
    with suppress(StateError):
        offset_metadata_from_text(damaged(random, METADATA_TEXT).decode(errors="replace"))
