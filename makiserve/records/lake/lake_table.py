"""A version of a table, opened by its name, and its rows as records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.records.arrow import records_from_arrow
from makiserve.records.lake.folder import PartitionedFolder, is_partitioned
from makiserve.records.order import Order
from makiserve.records.record import Record, Schema
from makiserve.records.unseen import UnseenFields

DELTA, ICEBERG = "delta:", "iceberg:"
TABLE_PREFIXES = (DELTA, ICEBERG)
FORMS = {"delta": "delta:PATH[@VERSION]", "iceberg": "iceberg:CATALOG.NAMESPACE.TABLE[@SNAPSHOT]"}


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


def is_table(name: str) -> bool:
    """Return whether a name is that of a table."""
    return name.startswith(TABLE_PREFIXES) or is_partitioned(Path(name))


def open_table(name: str) -> LakeTable:
    """Open a table at the version that its name gives, or at the latest one.

    Raises:
        ConfigurationError: the library for the table is not installed, or the name is incomplete.
        SourceError: the table or its version does not exist.
    """
    if not name.startswith(TABLE_PREFIXES):
        return PartitionedFolder(Path(name))
    kind, place = name.split(":", 1)
    match = re.fullmatch(r"(.+?)(?:@(\d+))?", place)
    if match is None:
        raise ConfigurationError(f"{name} does not name a table: expected {FORMS[kind]}")
    if kind == "iceberg" and match[1].count(".") < 2:
        raise ConfigurationError(f"{name}: the catalog or the namespace is missing: expected {FORMS[kind]}")
    version = int(match[2]) if match[2] else None
    if kind == "delta":
        return _module(name, "delta", "deltalake").DeltaSnapshot(match[1], version)  # type: ignore[no-any-return]
    return _module(name, "iceberg", "pyiceberg").IcebergSnapshot(match[1], version)  # type: ignore[no-any-return]


def _module(name: str, module: str, library: str) -> Any:
    try:
        return import_module(f"makiserve.records.lake.{module}")
    except ImportError as error:
        raise ConfigurationError(f"{name}: needs {library}: pip install 'makiserve[lake]' ({error})") from error


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
