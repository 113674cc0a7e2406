"""The predictions file of a replay: whole, or not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from makiserve.errors import SourceError
from makiserve.replaying.sources import Block
from makiserve.schema.fields import field_names, field_values
from makiserve.scoring import Outputs, Scored


class PredictionsWriter:
    """Writes one line for each output: the position of the record that caused it, and the fields of the output.

    Numbers are written so that they read back as the same floats; what is neither number nor text is written as JSON.
    The columns are those of the first output; a part of it, such as `features`, has a column for each of its fields.
    """

    def __init__(self, lines: Any, outputs: Outputs) -> None:
        self._write = csv.writer(lines, lineterminator="\n").writerow
        self._outputs = outputs
        self.needs_records, self.needs_features = outputs.needs_records, outputs.needs_features
        self._names: list[str] | None = None

    def take(self, block: Block, scored: Scored) -> None:
        causes, objects = self._outputs.objects(scored, block.records)
        for cause, item in zip(causes, objects, strict=True):
            names, cells = _flat(item)
            if self._names is None:
                self._names = names
                self._write(["source", "offset", *names])
            elif names != self._names:
                raise SourceError(
                    f"the outputs have different fields, first {', '.join(self._names)}, at {block.source} offset "
                    f"{block.offsets[cause]} {', '.join(names)}: a CSV file has the same columns in each line"
                )
            self._write([block.source, block.offsets[cause], *map(_cell, cells)])

    def close(self) -> None:
        """Complete the file; that of a replay without outputs has titles, too."""
        if self._names is None:
            self._write(["source", "offset", *self._outputs.names])


@contextmanager
def predictions_file(path: Path | None, outputs: Outputs) -> Iterator[PredictionsWriter | None]:
    """A writer of outputs; the file gets its name only when all of it is written. None writes nothing.

    Raises:
        SourceError: the file cannot be written.
    """
    if path is None:
        yield None
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as lines:
            writer = PredictionsWriter(lines, outputs)
            yield writer
            writer.close()
            lines.flush()
            os.fsync(lines.fileno())
        part.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _flat(item: Any) -> tuple[list[str], list[Any]]:
    """Names and values of an output."""
    names: list[str] = []
    cells: list[Any] = []
    for name, value in _items(item):
        if isinstance(value, msgspec.Struct):
            names += [f"{name}.{inner}" for inner in value.__struct_encode_fields__]
            cells += msgspec.structs.astuple(value)
        else:
            names.append(name)
            cells.append(value)
    return names, cells


def _items(item: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(item, dict):
        return item.items()
    names = field_names(type(item)) or ()
    titles = item.__struct_encode_fields__ if isinstance(item, msgspec.Struct) else names
    return zip(titles, field_values(item, names), strict=True)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    return msgspec.json.encode(value).decode()
