"""The predictions file of a replay: whole, or not there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from makiserve.errors import SourceError
from makiserve.replaying.sources import Block
from makiserve.schema.fields import field_names, field_values
from makiserve.scoring import Scored

Row = list[Any]


class PredictionsWriter:
    """Writes one line for each output: the position of the record that caused it, and the prediction or the features.

    Numbers are written so that they read back as the same floats; what is neither number nor text is written as JSON.
    """

    needs_records = False

    def __init__(self, lines: Any, *, has_model: bool) -> None:
        self._write = csv.writer(lines, lineterminator="\n").writerow
        self._has_model = has_model
        self.needs_features = not has_model
        self._names: tuple[str, ...] | None = None

    def take(self, block: Block, scored: Scored) -> None:
        values = scored.predictions if self._has_model else scored.features
        for cause, value in zip(scored.causes, values, strict=True):
            names = ("prediction",) if self._has_model else field_names(type(value)) or ("value",)
            if self._names is None:
                self.header(names)
            cells = (value,) if names in (("prediction",), ("value",)) else field_values(value, names)
            self._write([block.source, block.offsets[cause], *map(_cell, cells)])

    def header(self, names: tuple[str, ...]) -> None:
        """Write the titles of the columns; an empty replay has them too."""
        self._names = names
        self._write(["source", "offset", *names])

    def close(self) -> None:
        """Complete the file."""
        if self._names is None:
            self.header(("prediction",) if self._has_model else ("value",))


@contextmanager
def predictions_file(path: Path | None, *, has_model: bool) -> Iterator[PredictionsWriter | None]:
    """A writer of predictions; the file gets its name only when all of it is written. None writes nothing.

    Raises:
        SourceError: the file cannot be written.
    """
    if path is None:
        yield None
        return
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="") as lines:
            writer = PredictionsWriter(lines, has_model=has_model)
            yield writer
            writer.close()
            lines.flush()
            os.fsync(lines.fileno())
        part.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    return msgspec.json.encode(value).decode()
