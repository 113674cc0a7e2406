"""Outputs as CSV."""

from __future__ import annotations

import csv
from io import TextIOWrapper
from typing import Any, BinaryIO

import msgspec
import numpy as np

from makiserve.replaying.output.columns import Columns, columns_of, different_fields
from makiserve.scoring import Outputs
from makiserve.scoring.plain import PLAIN, plain


class CsvWriter:
    """Numbers are written so that they read back as the same floats; what is neither number nor text is JSON.

    Args:
        file: to write to.
        titles: of the columns, where there are no outputs that tell.
        form: what is published.
    """

    def __init__(self, file: BinaryIO, titles: list[str], form: Outputs) -> None:
        self._lines = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._write = csv.writer(self._lines, lineterminator="\n")
        self._encode = form.encode_object
        self._default = titles
        self._titles: list[str] | None = None

    def write(self, places: Columns, objects: list[Any]) -> None:
        columns = places | columns_of(objects)
        if self._titles is None:
            self._titles = list(columns)
            self._write.writerow(self._titles)
        elif self._titles != list(columns):
            raise different_fields(self._titles, list(columns))
        self._write.writerows(zip(*map(self._cells, columns.values()), strict=True))

    def close(self) -> None:
        if self._titles is None:
            self._write.writerow(self._default)
        self._lines.detach()

    def drop(self) -> None:
        self._lines.detach()

    def _cells(self, values: list[Any]) -> list[Any]:
        if set(map(type, values)) <= PLAIN:
            return values
        return [value if type(value) in PLAIN else self._cell(value) for value in values]

    def _cell(self, value: Any) -> Any:
        """Return the value that JSON has, as it is if it is plain: a time is text, without quotes."""
        if isinstance(value, np.generic):
            return plain(value)
        encoded = self._encode(value)
        found = msgspec.json.decode(encoded)
        return found if type(found) in PLAIN else encoded.decode()
