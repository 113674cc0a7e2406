"""Write outputs as CSV or JSON lines."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Sequence
from io import StringIO
from operator import attrgetter, itemgetter
from typing import Any, BinaryIO

import msgspec
import numpy as np

from makiserve.errors import SourceError
from makiserve.records.emitted_fields import field_names, field_titles
from makiserve.scoring import Outputs
from makiserve.scoring.plain import PLAIN, plain
from makiserve.scoring.record_columns import item_type, named_columns

Columns = dict[str, list[Any]]

POSITION = ("source", "offset", "key")
"""The columns with the position and the key of the record that caused an output."""


def column_titles(names: Iterable[str], reserved: Collection[str] = POSITION) -> list[str]:
    """Return the columns for the fields of an output: a field with a reserved name is the column `output.NAME`.

    >>> column_titles(["offset", "total"])
    ['output.offset', 'total']

    Raises:
        SourceError: two fields have the same column.
    """
    titles = [f"output.{name}" if name in reserved else name for name in names]
    if twice := [title for title in dict.fromkeys(titles) if titles.count(title) > 1]:
        raise SourceError(f"two fields of the outputs have the same column, {twice[0]}: rename one of them")
    return titles


def columns_of(objects: Sequence[Any], reserved: Collection[str] = POSITION) -> Columns:
    """Return the fields of outputs as lists. A nested struct, such as `features`, has a column for each of its fields.

    Args:
        objects: the outputs.
        reserved: the names of columns that do not come from the outputs; see `column_titles`.

    Raises:
        SourceError: the outputs have different fields, or two fields have the same column.
    """
    columns = _nested_columns(objects)
    return dict(zip(column_titles([title for title, _ in columns], reserved), [v for _, v in columns], strict=True))


def _nested_columns(objects: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    if not objects:
        return []
    fields, kind = named_columns(objects), item_type(objects)
    if fields is not None and issubclass(kind, msgspec.Struct):
        in_file = field_titles(kind)
        return [column for name, values in fields.items() for column in _titled(in_file[name], values)]
    kinds = set(map(type, objects))
    titles = _titles(objects[0])
    if (len(kinds) > 1 or dict in kinds) and any(list(_titles(value)) != list(titles) for value in objects):
        raise different_fields(*dict.fromkeys(tuple(_titles(value)) for value in objects))
    columns: list[tuple[str, list[Any]]] = []
    for title, name in titles.items():
        columns += _titled(title, list(map(itemgetter(name) if dict in kinds else attrgetter(name), objects)))
    return columns


def _titled(title: str, values: Sequence[Any]) -> list[tuple[str, list[Any]]]:
    """Return the columns of a field of outputs."""
    if issubclass(item_type(values), msgspec.Struct):
        return [(f"{title}.{inner}", cells) for inner, cells in _nested_columns(values)]
    return [(title, list(values))]


def _titles(item: Any) -> dict[str, str]:
    """Return the names of an output's fields, by their names in the file."""
    if isinstance(item, dict):
        return {str(name): name for name in item}
    names = field_names(type(item)) or ()
    titles = item.__struct_encode_fields__ if isinstance(item, msgspec.Struct) else names
    return dict(zip(titles, names, strict=True))


def different_fields(first: Sequence[str], then: Sequence[str], *others: Sequence[str]) -> SourceError:
    """Return the error for outputs that cannot be the rows of one table."""
    return SourceError(
        f"the outputs have different fields, first {', '.join(first)}, then {', '.join(then)}, but all rows of a "
        "table have the same columns. Write JSON lines (.jsonl) instead"
    )


class CsvWriter:
    """Writes CSV. Numbers read back as the same floats; a value that is neither number nor text is JSON.

    Args:
        file: to write to.
        titles: the columns of a file without outputs.
        form: what is published.
    """

    def __init__(self, file: BinaryIO, titles: list[str], form: Outputs) -> None:
        self._file = file
        self._encode = form.encode_object
        self._default = titles
        self._titles: list[str] | None = None

    def write(self, places: Columns, objects: Sequence[Any]) -> None:
        columns = places | columns_of(objects)
        if self._titles is None:
            self._titles = list(columns)
            self._write([self._titles])
        elif self._titles != list(columns):
            raise different_fields(self._titles, list(columns))
        self._write(zip(*map(self._cells, columns.values()), strict=True))

    def close(self) -> None:
        if self._titles is None:
            self._write([self._default])

    def drop(self) -> None:
        return

    def _write(self, rows: Iterable[Iterable[Any]]) -> None:
        """Write rows. They are encoded together: a file of text would encode each of them."""
        lines = StringIO(newline="")
        csv.writer(lines, lineterminator="\n").writerows(rows)
        self._file.write(lines.getvalue().encode())

    def _cells(self, values: list[Any]) -> list[Any]:
        if set(map(type, values)) <= PLAIN:
            return values
        return [value if type(value) in PLAIN else self._cell(value) for value in values]

    def _cell(self, value: Any) -> Any:
        """Return the value's JSON, decoded if the result is plain: a time is text without quotes."""
        if isinstance(value, np.generic):
            return plain(value)
        encoded = self._encode(value)
        decoded = msgspec.json.decode(encoded)
        return decoded if type(decoded) in PLAIN else encoded.decode()


class JsonLinesWriter:
    """Writes one JSON object per line.

    Args:
        file: to write to.
        titles: ignored.
        form: what is published.
    """

    def __init__(self, file: BinaryIO, titles: list[str], form: Outputs) -> None:
        self._file = file
        self._encode = form.encode_object

    def write(self, places: Columns, objects: Sequence[Any]) -> None:
        names = list(places)
        heads = (self._encode(dict(zip(names, row, strict=True))) for row in zip(*places.values(), strict=True))
        self._file.writelines(_joined(head, value) for head, value in zip(heads, self._encoded(objects), strict=True))

    def close(self) -> None:
        return

    def drop(self) -> None:
        return

    def _encoded(self, objects: Sequence[Any]) -> Iterator[bytes]:
        kinds = {type(item): item for item in objects}
        clashing = {kind for kind, item in kinds.items() if issubclass(kind, dict) or _is_clashing(item)}
        for item in objects:
            yield self._renamed(item) if type(item) in clashing and _is_clashing(item) else self._encode(item)

    def _renamed(self, item: Any) -> bytes:
        """Return the JSON of an output that has a field with the name of a position column."""
        fields = msgspec.json.decode(self._encode(item), type=dict[str, msgspec.Raw])
        return msgspec.json.encode(dict(zip(column_titles(fields), fields.values(), strict=True)))


def _is_clashing(item: Any) -> bool:
    return not _titles(item).keys().isdisjoint(POSITION)


def _joined(head: bytes, value: bytes) -> bytes:
    """Merge two JSON objects into one line."""
    return head[:-1] + b"," + value[1:] + b"\n" if value != b"{}" else head + b"\n"
