"""A version of a table, and its rows as records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.records.arrow import records_from_arrow
from makiserve.records.order import Order
from makiserve.records.record import Record, Schema
from makiserve.records.unseen import UnseenFields


class LakeTable(Protocol):
    """One version of a table. Its rows have no order.

    Attributes:
        name: with the version, so that it opens the same rows again.
        place: where it is stored, with the version.
        titles: the names of its columns.
        texts: the columns that are stored as text whatever their type, such as the partitions in the name of a folder.
    """

    @property
    def name(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def titles(self) -> Sequence[str]: ...
    @property
    def texts(self) -> frozenset[str]: ...

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of this version, with some of the columns in any order.

        Raises:
            SourceError: a file cannot be read, or no longer exists.
        """


def required_order(order: Order | None, name: str) -> Order:
    """Return the order that the rows of a table are sorted by.

    Raises:
        ConfigurationError: there is none.
    """
    if order is None:
        raise ConfigurationError(
            f"{name}: the rows of a table have no order, but features over time need one: give the field with the "
            "event time, by time= or --order-by"
        )
    return order


def read_table(
    table: LakeTable, schema: Schema, unseen: UnseenFields, order: Order
) -> Iterator[Sequence[Record | DecodeError]]:
    """Yield the records of a table in blocks, sorted, with a `DecodeError` for each row that does not fit.

    Raises:
        SourceError: the table cannot be read, lacks a field of the record, or a row has no place in the order.
    """
    return records_from_arrow(table.name, table.titles, table.scan, schema, unseen, order, table.texts)
