"""The rows that a pipeline emitted, with their positions, as a data frame of pandas or Polars or an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pandas as pd
import pyarrow as pa

from makiserve.errors import ArgumentError, ConfigurationError, PipelineError
from makiserve.offline.labels import LabelColumn
from makiserve.offline.output.arrow import arrow_column, common_schema
from makiserve.offline.sources import Block
from makiserve.records.fields import field_names, field_titles, field_values
from makiserve.scoring import Scored

LABEL = "label"
CHUNK_ROWS = 65_536


class EmittedRows:
    """The items that the pipeline emitted, with the positions of their records.

    Args:
        lane_by: the name of the column of lanes; None if each source is a lane.
        time: the name of the column of times, and the attribute with them; None to leave them out.
        labels: collects the labels; None to leave them out.
        is_packed: whether rows become Arrow columns as they arrive. They need less memory, but can no longer become a
            pandas frame.
    """

    needs_features = True

    def __init__(
        self,
        lane_by: str | None = None,
        time: tuple[str, str] | None = None,
        labels: LabelColumn | None = None,
        *,
        is_packed: bool = False,
    ) -> None:
        self.needs_records = bool(time or labels)
        self._labels = labels
        self._time = time[1] if time else None
        self._is_packed = is_packed
        self._places: dict[str, list[Any]] = {lane_by: []} if lane_by else {}
        self._places |= {"source": []} | ({time[0]: []} if time else {}) | {"offset": []}
        self._sources: set[str] = set()
        self._items: list[Any] = []
        self._chunks: list[pa.Table] = []

    def take(self, block: Block, scored: Scored) -> None:
        causes = scored.causes
        columns: list[list[Any]] = [[block.lanes[cause] for cause in causes]] if block.lanes else []
        columns.append([block.source] * len(causes))
        if self._time:
            columns.append([getattr(block.records[cause], self._time) for cause in causes])
        columns.append([block.offsets[cause] for cause in causes])
        for place, values in zip(self._places.values(), columns, strict=True):
            place += values
        self._items += scored.features
        self._sources.update([block.source] if causes else [])
        if self._labels:
            self._labels.take(block, causes)
        if self._is_packed and len(self._items) >= CHUNK_ROWS:
            self._chunks.append(self._packed())

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas frame, indexed by position."""
        places = {name: values for name, values in self._places.items() if name not in self._hidden()}
        offsets = pd.Index(places["offset"], name="offset", dtype="int64")
        index = offsets if len(places) == 1 else pd.MultiIndex.from_arrays(list(places.values()), names=list(places))
        if not self._items:
            return pd.DataFrame(index=index)
        titles = self._titles()
        names = tuple(titles)
        frame = pd.DataFrame(
            [field_values(item, names) for item in self._items], columns=list(titles.values()), index=index
        )
        if self._labels:
            frame[LABEL] = self._labels.values()
        return frame

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table; the columns of the position come first."""
        if self._items or not self._chunks:
            self._chunks.append(self._packed())
        schema = common_schema([chunk.schema for chunk in self._chunks])
        table = pa.concat_tables([chunk.cast(schema) for chunk in self._chunks])
        if self._labels:
            table = table.append_column(LABEL, _column(LABEL, self._labels.values()))
        return table.drop_columns([name for name in table.column_names if name in self._hidden()])

    def to_polars(self) -> Any:
        """Return a Polars frame; the columns of the position come first.

        Raises:
            ConfigurationError: Polars is not installed.
        """
        try:
            polars = import_module("polars")
        except ImportError as error:
            raise ConfigurationError("as_='polars' needs Polars: pip install polars") from error
        return polars.from_arrow(self.to_arrow())

    def _hidden(self) -> set[str]:
        """Return the columns of the position that are not needed."""
        return {"source"} if len(self._sources) < 2 else set()

    def _packed(self) -> pa.Table:
        """Return the rows as an Arrow table, and forget them."""
        titles = self._titles()
        rows = [field_values(item, tuple(titles)) for item in self._items]
        features = zip(titles.values(), zip(*rows, strict=True), strict=True) if rows else ()
        columns = {name: _column(name, values) for name, values in {**self._places, **dict(features)}.items()}
        for values in (*self._places.values(), self._items):
            values.clear()
        return pa.table(columns)

    def _titles(self) -> dict[str, str]:
        """Return the names of the columns, by attribute.

        Raises:
            PipelineError: the items have no named fields.
            ArgumentError: there are labels, and a feature is named like them.
        """
        if not self._items:
            return {}
        kind = type(self._items[0])
        if field_names(kind) is None:
            raise PipelineError(f"the pipeline emits {kind.__name__}: a frame needs a named tuple, Record or dataclass")
        titles = field_titles(kind)
        if self._labels and LABEL in titles.values():
            raise ArgumentError("label", LABEL, "the pipeline already emits a feature with the name of this column")
        return titles


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    column = arrow_column(values)
    if column is None:
        raise PipelineError(f"{name}: its values have no Arrow type in common; as_='pandas' returns them unchanged")
    return column
