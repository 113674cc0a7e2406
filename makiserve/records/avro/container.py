"""Avro container files as typed records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from struct import error as StructError  # noqa: N812

from makiserve.errors import DecodeError, SourceError
from makiserve.records.arrow import BLOCK_ROWS
from makiserve.records.avro.blocks import ContainerBlock, ContainerBlocks
from makiserve.records.avro.decoder import AvroDecoder
from makiserve.records.avro.generated import MAX_EMPTY_ITEMS, Function, SourceReaders
from makiserve.records.avro.schema import AvroSchema, parse
from makiserve.records.avro.values import MalformedData
from makiserve.records.content import Content
from makiserve.records.record import MAX_JSON_BYTES, Record, Schema
from makiserve.records.unseen import UnseenFields

MALFORMED = (IndexError, StructError, KeyError, UnicodeDecodeError, MalformedData)
"""The exceptions that generated code raises on data that are not of their schema."""


def read_avro(
    content: Content, path: Path, schema: Schema, unseen: UnseenFields
) -> Iterator[list[Record | DecodeError]]:
    """Yield the records of a container file, at most `BLOCK_ROWS` at a time, with a `DecodeError` for each misfit.

    Raises:
        SourceError: the file is damaged, a block is too large, or its schema has no record of this type.
    """
    blocks = ContainerBlocks(content.stream, path)
    try:
        writer = parse(blocks.schema)
        decoder, end_of = AvroDecoder(writer, schema), record_end(writer)
    except DecodeError as error:
        raise SourceError(f"{path}: {error}") from error
    unseen.see_titles(decoder.titles)
    for block in blocks:
        yield from _records(block, decoder, end_of, path)


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


def _records(
    block: ContainerBlock, decoder: AvroDecoder, end_of: Callable[[bytes, int], int], path: Path
) -> Iterator[list[Record | DecodeError]]:
    """Yield the records of a block, which take many times the memory of its data, in parts."""
    count, data = block
    if not 0 <= count <= max(len(data), MAX_EMPTY_ITEMS):
        raise SourceError(f"{path}: a block claims {count:,} records in {len(data):,} bytes")
    start = 0
    for first in range(0, count, BLOCK_ROWS):
        records: list[Record | DecodeError] = []
        for _ in range(first, min(first + BLOCK_ROWS, count)):
            try:
                end = end_of(data, start)
            except MALFORMED as error:
                raise SourceError(f"{path}: a block is damaged: {decoder.explain(error, data)}") from error
            records.append(_record(data[start:end], decoder))
            start = end
        yield records


def _record(data: bytes, decoder: AvroDecoder) -> Record | DecodeError:
    if len(data) > MAX_JSON_BYTES:
        return DecodeError(f"a record of {len(data):,} bytes, more than {MAX_JSON_BYTES:,}")
    try:
        return decoder.decode(data)
    except DecodeError as error:
        return error
