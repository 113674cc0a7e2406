"""Iceberg tables; the only place that knows pyiceberg."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyiceberg.catalog import load_catalog

from makiserve.errors import SourceError


class IcebergSnapshot:
    """A snapshot of an Iceberg table. The current one is read with the current schema, any other one with its own.

    Args:
        identifier: `CATALOG.NAMESPACE.TABLE`. The catalog is configured in `.pyiceberg.yaml` or by the environment, as
            for pyiceberg itself.
        snapshot: its ID; None for the current one.

    Raises:
        SourceError: the catalog, the table or the snapshot does not exist.
    """

    texts: frozenset[str] = frozenset()

    def __init__(self, identifier: str, snapshot: int | None) -> None:
        catalog, _, table = identifier.partition(".")
        try:  # pyiceberg has no common class for the errors of its catalogs
            opened = load_catalog(catalog)
        except Exception as error:
            raise SourceError(
                f"iceberg:{identifier}: the catalog {catalog!r} cannot be opened: {error}. Configure it in "
                f".pyiceberg.yaml or in the environment, PYICEBERG_CATALOG__{catalog.upper()}__URI=…"
            ) from error
        try:
            loaded = opened.load_table(table)
        except Exception as error:
            raise SourceError(f"iceberg:{identifier}: {type(error).__name__}: {error}") from error
        finally:
            opened.close()  # its connections; a scan reads the table's files
        chosen = loaded.snapshot_by_id(snapshot) if snapshot is not None else loaded.current_snapshot()
        if chosen is None and snapshot is not None:
            raise SourceError(f"iceberg:{identifier}@{snapshot}: the table has no snapshot with this ID")
        self._scan = partial(loaded.scan, snapshot_id=snapshot)  # of the table as it was loaded just now
        version = f"@{chosen.snapshot_id}" if chosen else ""
        self.name = f"iceberg:{identifier}{version}"
        self.place = f"{loaded.location()}{version}"
        self.titles = [field.name for field in self._scan().projection().fields]

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._scan(selected_fields=tuple(columns)).to_arrow_batch_reader()
        except Exception as error:  # of any file system
            raise SourceError(
                f"{self.name}: cannot be read: {type(error).__name__}: {error}. If the snapshot expired while it "
                "was read, read the current one"
            ) from error
