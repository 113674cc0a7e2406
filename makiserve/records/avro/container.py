"""Avro container files as typed records."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from lzma import LZMAError
from pathlib import Path
from struct import error as StructError  # noqa: N812
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from makiserve.errors import DecodeError, SourceError
from makiserve.records.avro.decoder import AvroDecoder
from makiserve.records.avro.schema import AvroSchema, parse
from makiserve.records.avro.source import MAX_EMPTY_ITEMS, Function, SourceReaders
from makiserve.records.avro.values import MalformedData
from makiserve.records.content import Content
from makiserve.records.record import Record, Schema
from makiserve.records.unseen import UnseenFields

MALFORMED = (IndexError, StructError, KeyError, UnicodeDecodeError, MalformedData)
"""The exceptions that generated code raises on data that are not of their schema."""

DAMAGED = (
    *(ValueError, TypeError, LookupError, AttributeError, EOFError, OverflowError, MemoryError, RecursionError),
    *(zlib.error, LZMAError, SchemaParseException, UnknownType),
)
"""The exceptions that fastavro raises on a file that is not a container, or on a block that cannot be decompressed."""


def read_avro(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[list[Record | DecodeError]]:
    """Yield the records of a container file, block by block, with a `DecodeError` for each that does not fit.

    Raises:
        SourceError: the file is damaged, or its schema has no record of this type.
    """
    try:
        blocks = fastavro.block_reader(content.stream)
        writer = parse(blocks.metadata["avro.schema"])
        decoder, end_of = AvroDecoder(writer, schema), record_end(writer)
    except DecodeError as error:
        raise SourceError(f"{path}: {error}") from error
    except DAMAGED as error:
        raise SourceError(f"{path}: not readable as an Avro container file: {error}") from error
    unseen.see_titles(decoder.titles)
    while (block := _next(blocks, path)) is not None:
        yield _records(block.bytes_.read(), block.num_records, decoder, end_of, path)


def record_end(writer: AvroSchema) -> Callable[[bytes, int], int]:
    """Return a function that returns the position after the record that begins at a position.

    It raises one of `MALFORMED` if the data are not of the schema.
    """
    source, write = SourceReaders(writer), Function("def end(data, pos):")
    write("depth = 0")
    source.read(write, writer.root, None)
    with write.block("if pos > len(data):"):
        write("raise MalformedData('the data end early')")
    write("return pos")
    text = "\n".join(line for function in (*source.functions, write) for line in function.lines)
    exec(compile(text, "<end of an Avro record>", "exec"), source.globals)  # noqa: S102  our own text
    end: Callable[[bytes, int], int] = source.globals["end"]
    return end


def _next(blocks: Iterator[Any], path: Path) -> Any:
    """Return the next block; None at the end."""
    try:
        return next(blocks, None)
    except DAMAGED as error:
        raise SourceError(
            f"{path}: a block is damaged, or its compression is not supported: {type(error).__name__}: {error}"
        ) from error


def _records(
    data: bytes, count: int, decoder: AvroDecoder, end_of: Callable[[bytes, int], int], path: Path
) -> list[Record | DecodeError]:
    """Return the records of a block."""
    if not 0 <= count <= max(len(data), MAX_EMPTY_ITEMS):
        raise SourceError(f"{path}: a block claims {count:,} records in {len(data):,} bytes")
    found: list[Record | DecodeError] = []
    start = 0
    for _ in range(count):
        try:
            end = end_of(data, start)
        except MALFORMED as error:
            raise SourceError(f"{path}: a block is damaged: {decoder.explain(error, data)}") from error
        try:
            found.append(decoder.decode(data[start:end]))
        except DecodeError as error:
            found.append(error)
        start = end
    return found
