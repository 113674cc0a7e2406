"""The rows that a pipeline emitted, with their positions, as a data frame of pandas or Polars or an Arrow table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from makiserve.errors import ArgumentError, ConfigurationError, PipelineError
from makiserve.offline.lane_labels import LabelColumn
from makiserve.offline.output.arrow_columns import arrow_column, common_schema
from makiserve.offline.sources import Block
from makiserve.records.emitted_fields import field_names, field_titles, field_values
from makiserve.records.record_table import records_at, values_of
from makiserve.scoring import Scored
from makiserve.scoring.record_columns import item_type, named_columns
from makiserve.stream.columns.column import Column
from makiserve.stream.columns.items import ColumnItems, as_floats, concat

LABEL = "label"
OFFSET = "offset"
CHUNK_ROWS = 65_536


class EmittedRows:
    """The items that the pipeline emitted, with the positions of their records.

    Args:
        lane_by: the name of the column of lanes; None if each source is a lane.
        time: the name of the column of times, and the attribute with them; None to leave them out.
        labels: collects the labels; None to leave them out.
        is_packed: whether rows become Arrow columns as they arrive. They need less memory, but can no longer become a
            pandas frame.

    Raises:
        ArgumentError: two columns of the position would have the same name.
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
        _check_names(lane_by, time and time[0], LABEL if labels else None)
        self._places: dict[str, list[Any]] = {lane_by: []} if lane_by else {}
        self._places |= {"source": []} | ({time[0]: []} if time else {})
        self._offsets: list[NDArray[np.int64]] = []
        self._sources: set[str] = set()
        self._parts: list[Sequence[Any]] = []
        self._chunks: list[pa.Table] = []

    def take(self, block: Block, scored: Scored) -> None:
        causes = scored.causes
        if causes and not self._sources:
            self._titles(scored.features)  # wrong names are an error at once, not after the last record
        columns: list[list[Any]] = [[block.lanes[cause] for cause in causes]] if block.lanes else []
        columns.append([block.source] * len(causes))
        if self._time:
            columns.append(values_of(records_at(block.records, causes), self._time))
        for place, values in zip(self._places.values(), columns, strict=True):
            place += values
        self._offsets.append(_offsets_at(block.offsets, causes))
        self._parts += [scored.features] if causes else []
        self._sources.update([block.source] if causes else [])
        if self._labels:
            self._labels.take(block, causes)
        if self._is_packed and sum(map(len, self._offsets)) >= CHUNK_ROWS:
            self._chunks.append(self._packed())

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas frame, indexed by position."""
        places = {name: values for name, values in self._places.items() if name not in self._hidden()}
        offsets = pd.Index(self._joined_offsets(), name=OFFSET)
        index = pd.MultiIndex.from_arrays([*places.values(), offsets], names=[*places, OFFSET]) if places else offsets
        items = concat(self._parts)
        if not items:
            return pd.DataFrame(index=index)
        frame = _frame(items, self._titles(items), index)
        if self._labels:
            frame[LABEL] = self._labels.values()
        return frame

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table; the columns of the position come first."""
        if self._parts or not self._chunks:
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
        items = concat(self._parts)
        features = _columns(items, self._titles(items))
        columns = {name: _column(name, values) for name, values in self._places.items()}
        columns[OFFSET] = pa.array(self._joined_offsets())
        columns |= {name: _column(name, values) for name, values in features.items()}
        for values in (*self._places.values(), self._offsets, self._parts):
            values.clear()
        return pa.table(columns)

    def _joined_offsets(self) -> NDArray[np.int64]:
        return np.concatenate([np.empty(0, np.int64), *self._offsets])

    def _titles(self, items: Sequence[Any]) -> dict[str, str]:
        """Return the names of the columns, by attribute.

        Raises:
            PipelineError: the items have no named fields, or one with the name of a column with the position.
            ArgumentError: there are labels, and a feature is named like them.
        """
        if not items:
            return {}
        kind = item_type(items)
        if field_names(kind) is None:
            raise PipelineError(f"the pipeline emits {kind.__name__}: a frame needs a named tuple, Record or dataclass")
        titles = field_titles(kind)
        if self._labels and LABEL in titles.values():
            raise ArgumentError("label", LABEL, "the pipeline already emits a feature with the name of this column")
        if twice := [name for name in (*self._places, OFFSET) if name in titles.values()]:
            raise PipelineError(
                f"the pipeline emits a feature {twice[0]!r}, but the column or index level with this name has the "
                "position of the record. Rename the feature with makiserve.field(name=…), or leave it out if it has "
                "the same values"
            )
        return titles


def _offsets_at(offsets: Sequence[int], causes: Sequence[int]) -> NDArray[np.int64]:
    """Return the offsets of the records that caused outputs."""
    at = np.array(causes, np.int64)
    if isinstance(offsets, range):
        return offsets.start + offsets.step * at
    return np.asarray(offsets, np.int64)[at]


def _check_names(lane_by: str | None, time: str | None, label: str | None) -> None:
    """Raise an error if a field has the name of another column of the position, or of the labels."""
    taken = {"source", OFFSET, label}
    for argument, name in (("lane_by", lane_by), ("time", time)):
        if name is not None and name in taken:
            raise ArgumentError(
                argument,
                name,
                "another column of the result has this name. Give the field another name in the record, and its name "
                "in the data by makiserve.field(name=…)",
            )
        taken.add(name)


def _columns(items: Sequence[Any], titles: Mapping[str, str]) -> dict[str, Sequence[Any]]:
    """Return the values of each field, by title."""
    columns = named_columns(items)
    if columns is not None:
        return {title: columns[name] for name, title in titles.items()}
    rows = [field_values(item, tuple(titles)) for item in items]
    return dict(zip(titles.values(), zip(*rows, strict=True), strict=True)) if rows else {}


def _frame(items: Sequence[Any], titles: Mapping[str, str], index: pd.Index) -> pd.DataFrame:
    columns = named_columns(items)
    if columns is None:
        rows = [field_values(item, tuple(titles)) for item in items]
        return pd.DataFrame(rows, columns=list(titles.values()), index=index)
    frame = pd.DataFrame({number: _pandas(columns[name]) for number, name in enumerate(titles)}, index=index)
    frame.columns = pd.Index(list(titles.values()))
    return frame


def _pandas(values: ColumnItems) -> Any:
    """Return values with the type that pandas gives a column of such Python values."""
    column = values.column
    if isinstance(column, Column) and column.values.dtype != object:
        if column.missing is None:
            return column.values
        if column.values.dtype == np.float64 and not column.missing.all():
            return as_floats(values)
    return pd.DataFrame([(value,) for value in values])[0].array


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    column = arrow_column(values)
    if column is None:
        raise PipelineError(f"{name}: its values have no Arrow type in common; as_='pandas' returns them unchanged")
    return column
