"""Compression: byte for byte RxSci's where RxSci is right, damage is found, and no lane contains it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import rx
import rxsci
import zstandard

import makiserve.stream as rs
from makiserve.errors import DecodeError, PipelineError, StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.rxsci.compression import z, zstd

CHUNKS = [b"one " * 1000, b"", bytes(range(256)) * 300, b"three"]
FORMATS = [(z, gzip.compress), (zstd, zstandard.compress)]
each_format = pytest.mark.parametrize(("module", "compressed"), FORMATS, ids=["z", "zstd"])


def outcome(chunks: list[Any], *steps: Any) -> list[Any]:
    notifications: list[Any] = []
    rx.from_(chunks).pipe(*steps).subscribe(notifications.append, notifications.append)
    return notifications


@pytest.mark.parametrize("name", ["z", "zstd"])
@pytest.mark.parametrize("chunks", [CHUNKS, []], ids=["chunks", "nothing"])
def test_compressed_bytes_equal_rxscis(name: str, chunks: list[bytes]) -> None:
    ours, theirs = {"z": z, "zstd": zstd}[name], getattr(rxsci.compression, name)
    compressed = outcome(chunks, ours.compress())
    assert compressed == outcome(chunks, theirs.compress())
    decompressed = outcome(compressed, ours.decompress())
    assert decompressed == outcome(compressed, theirs.decompress())
    assert b"".join(decompressed) == b"".join(chunks)


@each_format
def test_a_file_cut_anywhere_is_decompressed(module: Any, compressed: Callable[[bytes], bytes]) -> None:
    data = compressed(b"one two three") + compressed(b" four")
    for size in (1, 2, 7, len(data)):
        pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
        assert b"".join(outcome(pieces, module.decompress())) == b"one two three four"


@each_format
def test_a_truncated_stream_is_an_error(module: Any, compressed: Callable[[bytes], bytes]) -> None:
    data = compressed(b"one two three")
    for size in range(len(data)):
        *_, error = outcome([data[:size]], module.decompress())
        assert isinstance(error, DecodeError)
        assert "too early" in str(error)


@each_format
def test_damaged_bytes_are_an_error(module: Any, compressed: Callable[[bytes], bytes]) -> None:
    (error,) = outcome([b"this is plain text"], module.decompress())
    assert isinstance(error, DecodeError)
    assert isinstance(error.__cause__, (zlib.error, zstandard.ZstdError))
    *_, error = outcome([compressed(b"one") + b"and then text"], module.decompress())
    assert isinstance(error, DecodeError)


@each_format
def test_a_lane_may_not_contain_one(module: Any, compressed: Callable[[bytes], bytes]) -> None:
    for make in (module.compress, module.decompress):
        for pipeline in (make, lambda make=make: rs.ops.group_by(len, make())):
            with pytest.raises(PipelineError, match=r"press cannot be used .* ops.map\(.*\.(de)?compress\)"):
                trace(pipeline())


def test_state_that_is_hidden_is_refused_by_the_operators_name() -> None:
    program = Program(Plan((z.ZlibCompress(z.gzip_compressor),)))
    with pytest.raises(StateError, match="z_compress"):
        Checkpoints(program).dump(program.new_state())


def test_works_among_operators_of_an_observable() -> None:
    steps = rx.pipe(rs.ops.map(str.encode), z.compress(), z.decompress(), rs.ops.map(bytes.decode))
    assert "".join(outcome(["one ", "two"], steps)) == "one two"
