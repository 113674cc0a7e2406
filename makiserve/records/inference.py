"""Record types written from data: the fields, and the types that accept all of their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.records.arrow import records_from_arrow
from makiserve.records.cells import CsvColumn
from makiserve.records.content import AVRO, HEAD_BYTES, PARQUET, opened
from makiserve.records.csv import widest_header
from makiserve.records.lake.lake_table import LakeTable
from makiserve.records.names import attribute_names
from makiserve.records.record import NA_VALUES, Record, Schema, is_none_or_nan
from makiserve.records.record_file import WHITE, RecordFile
from makiserve.records.typed import TypedColumn
from makiserve.records.unseen import UnseenFields

SAMPLE = 20_000
"""How many rows of a file are read."""

SHOWN = 10
"""How many titles an error shows."""

# fmt: off
CANDIDATES: dict[str, Any] = {
    "bool": bool, "int": int, "float": float, "date": date, "datetime": datetime, "time": time,
    "timedelta": timedelta, "UUID": UUID, "str": str, "bytes": bytes,
    "list[int]": list[int], "list[float]": list[float], "list[str]": list[str],
    "dict[str, float]": dict[str, float], "dict[str, Any]": dict[str, Any], "Any": Any,
}
# fmt: on
"""The types that are tried, from the narrowest to the widest."""

IMPORTS = {
    "date": "from datetime import date",
    "datetime": "from datetime import datetime",
    "time": "from datetime import time",
    "timedelta": "from datetime import timedelta",
    "Decimal": "from decimal import Decimal",
    "UUID": "from uuid import UUID",
    "Any": "from typing import Any",
    "Literal": "from typing import Literal",
}


class InferredField(NamedTuple):
    """A field of a record type.

    Attributes:
        name: its name in the data.
        annotation: its type without None.
        is_optional: whether it may be missing or null.
        aliases: further names by which a record's field finds it.
    """

    name: str
    annotation: str
    is_optional: bool
    aliases: tuple[str, ...] = ()


class InferredRecord(NamedTuple):
    """A record type.

    Attributes:
        name: of the class.
        doc: its docstring.
        fields: in the order of the data.
        nested: the record types that its fields refer to, each after those that it refers to itself.
    """

    name: str
    doc: str
    fields: Sequence[InferredField]
    nested: Sequence[InferredRecord] = ()


def source_of(record: InferredRecord) -> str:
    """Return the source of a module that defines a record type."""
    classes = "\n\n\n".join(_class(inferred) for inferred in (*record.nested, record))
    words = set(re.findall(r"\w+", " ".join(re.findall(r":([^\n=]*)", classes))))
    imports = "\n".join(sorted(line for word, line in IMPORTS.items() if word in words))
    head = "from __future__ import annotations\n\n" + (imports + "\n\n" if imports else "") + "import makiserve\n\n\n"
    return head + classes + "\n"


def fields_of_file(path: Path) -> list[InferredField]:
    """Return the fields of a CSV, Parquet or JSON lines file, from its first rows.

    Raises:
        SourceError: the file cannot be read, or is not in one of these formats.
    """
    with opened(path) as content:
        head = content.head
        _refuse_other_formats(path, head)
        if head.startswith(PARQUET):
            titles = parquet.ParquetFile(content.stream).schema_arrow.names
            return _columns(_rows(path, titles, Any), titles, _typed)
        if head.lstrip(WHITE).startswith(b"{"):
            lines = head.splitlines()
            is_cut = len(head) == HEAD_BYTES and len(lines) > 1
            return fields_of_json((lines[:-1] if is_cut else lines)[:SAMPLE])
    titles = widest_header(head, path).titles
    return _columns(_rows(path, titles, str), titles, _cell)


OTHER_FORMATS = {
    **dict.fromkeys((".py", ".pyi", ".ipynb"), "Python code"),
    **dict.fromkeys((".toml", ".yaml", ".yml", ".ini", ".cfg"), "a configuration file"),
    **dict.fromkeys((".md", ".rst", ".html", ".xml"), "a document"),
    **dict.fromkeys((".xls", ".xlsx", ".ods"), "a spreadsheet"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle"),
    ".pb": "a file of Protobuf messages, whose schema has the fields",
}
"""What a file with one of these suffixes is, although its lines could be read as rows."""


def _refuse_other_formats(path: Path, head: bytes) -> None:
    kind = OTHER_FORMATS.get(path.suffix)
    if head.startswith(AVRO):
        kind = "an Avro file"
    elif re.match(rb"\[\s*[{\]]", head.lstrip(WHITE)):
        kind = "a JSON list"
    elif kind is None and not head.startswith(PARQUET) and b"\0" in head:
        kind = "not text"
    if kind:
        raise SourceError(
            f"{path} is {kind}. A record type is written from a file of data: CSV with a header, Parquet, or JSON "
            "lines with an object in each line"
        )


def fields_of_json(messages: Iterable[bytes]) -> list[InferredField]:
    """Return the fields of JSON objects. A field that an object does not have is optional.

    Raises:
        SourceError: no message is a JSON object.
    """
    rows = []
    for message in messages:
        try:
            row = msgspec.json.decode(message)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            continue
        if isinstance(row, dict):
            rows.append(row)
    if not rows:
        raise SourceError(
            "the data contain no JSON object from which to write a record type: each line of a file and each message "
            "of a topic must be one object"
        )
    titles = list(dict.fromkeys(chain.from_iterable(rows)))
    return _columns(rows, titles, _typed)


def fields_of_table(table: LakeTable) -> list[InferredField]:
    """Return the fields of a lake table, from rows that are read first.

    Raises:
        SourceError: the table cannot be read.
    """
    titles, texts = list(table.titles), [title for title in table.titles if title in table.texts]
    schema = Schema(_row_type({title: str if title in texts else Any for title in titles}))
    blocks = records_from_arrow(table.name, titles, table.scan, schema, UnseenFields(schema), texts=texts)
    rows = _first_rows(titles, blocks)
    typed = _columns(rows, [title for title in titles if title not in texts], _typed)
    fields = {field.name: field for field in (*typed, *_columns(rows, texts, _cell))}
    return [fields[title] for title in titles]


def _rows(path: Path, titles: Sequence[str], kind: Any) -> list[dict[str, Any]]:
    """Return the first rows of a file by title.

    Raises:
        SourceError: most of its lines are not rows of the header's columns.
    """
    file = RecordFile(path, Schema(_row_type(dict.fromkeys(titles, kind))))
    read = list(islice(chain.from_iterable(file), SAMPLE))
    errors = [row for row in read if isinstance(row, DecodeError)]
    if len(errors) > len(read) / 2:
        raise SourceError(
            f"{path} does not look like a table: {len(errors):,} of {len(read):,} rows do not fit the header, "
            f"{', '.join(map(repr, titles[:SHOWN]))}. The first error: {errors[0]}"
        )
    return _first_rows(titles, [read])


def _row_type(kinds: Mapping[str, Any]) -> type[Record]:
    """Return a record type with fields of these titles and types, in this order."""
    fields = [(f"column_{index}", kinds[title], msgspec.field(name=title)) for index, title in enumerate(kinds)]
    row_type: Any = msgspec.defstruct("Row", fields, bases=(Record,), frozen=True)
    return row_type  # type: ignore[no-any-return]


def _first_rows(titles: Sequence[str], blocks: Iterable[Sequence[Record | DecodeError]]) -> list[dict[str, Any]]:
    read = (row for row in chain.from_iterable(blocks) if not isinstance(row, DecodeError))
    return [dict(zip(titles, msgspec.structs.astuple(row), strict=True)) for row in islice(read, SAMPLE)]


def _columns(
    rows: Sequence[Mapping[str, Any]], titles: Sequence[str], converter: Callable[[str, Any], Callable[[Any], Any]]
) -> list[InferredField]:
    return [_field(title, [row.get(title) for row in rows], converter) for title in titles]


def _field(title: str, values: list[Any], converter: Callable[[str, Any], Callable[[Any], Any]]) -> InferredField:
    """Return the narrowest type that accepts all values."""
    converters = {word: converter(title, kind) for word, kind in CANDIDATES.items()}
    present = [value for value in values if not _is_missing(value, converter is _cell)]
    words = list(CANDIDATES) if present else ["Any"]
    for value in present:
        words = [word for word in words if not isinstance(converters[word](value), DecodeError)]
    return InferredField(title, words[0], len(present) < len(values) or not values)


def _is_missing(value: Any, is_cell: bool) -> bool:
    return is_none_or_nan(value) or (is_cell and value in NA_VALUES)


def _typed(name: str, kind: Any) -> Callable[[Any], Any]:
    return TypedColumn(name, kind).value


def _cell(name: str, kind: Any) -> Callable[[str], Any]:
    column = CsvColumn(name, kind)
    return lambda text: column.value(text.encode())


def _class(record: InferredRecord) -> str:
    lines = [f"class {record.name}(makiserve.Record):", f'    """{record.doc}"""', ""]
    attributes = dict(zip(attribute_names(field.name for field in record.fields), record.fields, strict=True))
    for attribute, field in sorted(attributes.items(), key=lambda entry: entry[1].is_optional):  # required ones first
        renamed = attribute != field.name
        options = [f"name={_quoted(field.name)}"] * renamed + ["default=None"] * (renamed and field.is_optional)
        value = f" = makiserve.field({', '.join(options)})" if renamed else " = None" if field.is_optional else ""
        none = " | None" if field.is_optional and field.annotation != "Any" else ""
        lines.append(f"    {attribute}: {field.annotation}{none}{value}")
    return "\n".join(lines) if record.fields else "\n".join(lines[:2])


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()
