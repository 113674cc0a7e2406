"""Record types written from data: the fields, and the types that accept all of their values."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain, islice
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from pyarrow import parquet

from makiserve.errors import DecodeError, SourceError
from makiserve.records.arrow import records_from_arrow
from makiserve.records.cells import CsvColumn
from makiserve.records.content import HEAD_BYTES, PARQUET, opened
from makiserve.records.csv import widest_header
from makiserve.records.lake.lake_table import LakeTable
from makiserve.records.record import NA_VALUES, Record, Schema
from makiserve.records.record_file import WHITE, RecordFile
from makiserve.records.typed import TypedColumn
from makiserve.records.unseen import UnseenFields

SAMPLE = 20_000
"""How many rows of a file are read."""

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


def class_name(text: str) -> str:
    """Return a class name for a subject, topic or file.

    >>> class_name("house-readings-value")
    'HouseReadings'
    """
    words = re.findall(r"[A-Za-z0-9]+", re.sub(r"-(value|key)$", "", text.rpartition(".")[2]))
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Record{name}"


def fields_of_file(path: Path) -> list[InferredField]:
    """Return the fields of a CSV, Parquet or JSON lines file, from its first rows.

    Raises:
        SourceError: the file cannot be read or has no rows.
    """
    with opened(path) as content:
        head = content.head
        if head.startswith(PARQUET):
            titles = parquet.ParquetFile(content.stream).schema_arrow.names
            return _columns(_rows(path, titles, Any), titles, _typed)
        if head.lstrip(WHITE).startswith(b"{"):
            lines = head.splitlines()
            is_cut = len(head) == HEAD_BYTES and len(lines) > 1
            return fields_of_json((lines[:-1] if is_cut else lines)[:SAMPLE])
    titles = widest_header(head, path).titles
    return _columns(_rows(path, titles, str), titles, _cell)


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
        raise SourceError("the data contain no JSON object from which to write a record type")
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
    """Return the first rows of a file by title."""
    return _first_rows(titles, RecordFile(path, Schema(_row_type(dict.fromkeys(titles, kind)))))


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
    return value is None or (isinstance(value, float) and isnan(value)) or (is_cell and value in NA_VALUES)


def _typed(name: str, kind: Any) -> Callable[[Any], Any]:
    return TypedColumn(name, kind).value


def _cell(name: str, kind: Any) -> Callable[[str], Any]:
    column = CsvColumn(name, kind)
    return lambda text: column.value(text.encode())


def _class(record: InferredRecord) -> str:
    lines = [f"class {record.name}(makiserve.Record):", f'    """{record.doc}"""', ""]
    attributes = dict(zip(_attributes(field.name for field in record.fields), record.fields, strict=True))
    for attribute, field in sorted(attributes.items(), key=lambda entry: entry[1].is_optional):  # required ones first
        renamed = attribute != field.name
        options = [f"name={_quoted(field.name)}"] * renamed + ["default=None"] * (renamed and field.is_optional)
        value = f" = makiserve.field({', '.join(options)})" if renamed else " = None" if field.is_optional else ""
        none = " | None" if field.is_optional and field.annotation != "Any" else ""
        lines.append(f"    {attribute}: {field.annotation}{none}{value}")
    return "\n".join(lines) if record.fields else "\n".join(lines[:2])


def _attributes(names: Iterable[str]) -> Iterator[str]:
    """Yield an attribute for each name: the name if it is a lower-case identifier, otherwise its words."""
    taken: set[str] = set()
    for name in names:
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name)
        words = "_".join(re.findall(r"[a-z0-9]+", snake.lower())) or "field"
        words = f"field_{words}" if words[0].isdigit() else f"{words}_" if keyword.iskeyword(words) else words
        attribute = name if re.fullmatch(r"[a-z][a-z0-9_]*", name) and not keyword.iskeyword(name) else words
        while attribute in taken:
            attribute += "_"
        taken.add(attribute)
        yield attribute


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()
