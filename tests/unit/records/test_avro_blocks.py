"""Blocks of Avro container files: no file takes all memory, whatever it decompresses to or claims."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zlib import crc32

import fastavro
import pytest

from makiserve.errors import DecodeError, SourceError
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.arrow import BLOCK_ROWS
from makiserve.records.avro.blocks import DECOMPRESS, MAX_BLOCK_BYTES, ContainerBlocks
from makiserve.records.record import MAX_JSON_BYTES
from tests.loops import loop_over

SYNC = b"s" * 16
PATH = Path("a.avro")
LIMIT = 980_003
"""The bytes of a record with 980,000 bytes of data."""


class Blob(Record):
    data: bytes = b""


class Flag(Record):
    on: bool


def container(codec: str, field: str, kind: str, values: list[Any], block_bytes: int = 1) -> bytes:
    file = io.BytesIO()
    schema = {"type": "record", "name": "Item", "fields": [{"name": field, "type": kind}]}
    rows = [{field: value} for value in values]
    fastavro.writer(file, schema, rows, codec=codec, sync_interval=block_bytes, sync_marker=SYNC)
    return file.getvalue()


def zeros(codec: str, *sizes: int) -> bytes:
    """Return a file with a block of zeros for each size."""
    return container(codec, "data", "bytes", [bytes(size) for size in sizes])


def written(folder: Path, data: bytes) -> Path:
    path = folder / "a.avro"
    path.write_bytes(data)
    return path


@loop_over("codec", DECOMPRESS)
def test_a_block_is_decompressed_up_to_the_limit(codec: str) -> None:
    blocks = ContainerBlocks(io.BytesIO(zeros(codec, 980_000, 10)), PATH, LIMIT)
    assert [(block.claimed, len(block.data)) for block in blocks] == [(1, LIMIT), (1, 11)]
    larger = iter(ContainerBlocks(io.BytesIO(zeros(codec, 10, 980_001)), PATH, LIMIT))
    assert len(next(larger).data) == 11
    with pytest.raises(SourceError, match=r"a\.avro: a block .*; the limit is 980,003 bytes") as caught:
        next(larger)
    assert ("decompresses to more" in str(caught.value)) == (codec != "null")


@pytest.mark.slow
def test_a_bomb_is_a_source_error_after_the_blocks_before_it(tmp_path: Path) -> None:
    path = written(tmp_path, zeros("deflate", 10, MAX_BLOCK_BYTES))
    assert path.stat().st_size < MAX_BLOCK_BYTES / 900
    blocks = iter(RecordFile(path, Schema(Blob)))
    assert next(blocks) == [Blob(bytes(10))]
    with pytest.raises(SourceError, match=r"decompresses to more; .*smaller sync interval"):
        next(blocks)


IN_SNAPPY = b"\xff\xff\xff\xff\x0f" + b"\0" * 10
"""Four gibibytes, as the header of the compressed data claims."""


@pytest.mark.parametrize(
    "block",
    [b"\x02\x1e" + IN_SNAPPY + SYNC, b"\x02\xfe" + b"\xff" * 8 + b"\x01"],
    ids=["decompressed size", "stored size"],
)
def test_a_size_that_is_only_claimed_allocates_nothing(tmp_path: Path, block: bytes) -> None:
    path = written(tmp_path, zeros("snappy") + block)
    with pytest.raises(SourceError, match="the limit is 100,000,000 bytes"):
        next(iter(RecordFile(path, Schema(Blob))))


def test_an_xz_dictionary_of_768_mebibytes_is_a_source_error() -> None:
    usual, huge = (bytes([2, 0, 0x21, 1, size, 0, 0, 0]) for size in (0x16, 0x23))
    usual, huge = (header + crc32(header).to_bytes(4, "little") for header in (usual, huge))
    data = zeros("xz", 10)
    assert usual in data
    with pytest.raises(SourceError, match="Memory usage limit exceeded"):
        list(ContainerBlocks(io.BytesIO(data.replace(usual, huge)), PATH))


def test_an_unsupported_codec_is_named() -> None:
    data = zeros("deflate", 10).replace(b"\x0edeflate", b"\x0ebrotli5")
    with pytest.raises(SourceError, match="compressed with 'brotli5', which is not supported"):
        ContainerBlocks(io.BytesIO(data), PATH)


@pytest.mark.parametrize("end", [b"\x02", b"\x80" * 11, b"\x02\x01", b"\x02\x04\x02\0" + b"t" * 16])
def test_a_block_with_damaged_framing_is_a_source_error(end: bytes) -> None:
    with pytest.raises(SourceError, match=r"a\.avro: a block is damaged: it"):
        list(ContainerBlocks(io.BytesIO(zeros("null", 1) + end), PATH))


@pytest.mark.parametrize("codec", DECOMPRESS)
@pytest.mark.slow
def test_a_file_with_changed_bytes_gives_records_or_an_error(tmp_path: Path, codec: str) -> None:
    data = zeros(codec, 3, 200)
    for place in range(len(data)):
        path = written(tmp_path, data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            assert sum(map(len, RecordFile(path, Schema(Blob)))) <= len(data)
        except SourceError as error:
            assert "a.avro" in str(error)  # noqa: PT017  both outcomes are right


@pytest.mark.slow
def test_a_large_block_of_small_records_is_yielded_in_parts(tmp_path: Path) -> None:
    count = 2 * BLOCK_ROWS + 3
    path = written(tmp_path, container("deflate", "on", "boolean", [True] * count, block_bytes=1 << 20))
    blocks = list(RecordFile(path, Schema(Flag)))
    assert list(map(len, blocks)) == [BLOCK_ROWS, BLOCK_ROWS, 3]
    assert blocks[2] == [Flag(on=True)] * 3


def test_a_record_as_large_as_no_message_may_be_does_not_fit(tmp_path: Path) -> None:
    path = written(tmp_path, zeros("deflate", MAX_JSON_BYTES, 3))
    large, small = (record for block in RecordFile(path, Schema(Blob)) for record in block)
    assert isinstance(large, DecodeError)
    assert str(large) == "a record of 16,777,220 bytes, more than 16,777,216"
    assert small == Blob(bytes(3))
