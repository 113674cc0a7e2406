"""Delta tables; the only place that knows deltalake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from makiserve.errors import SourceError


class DeltaSnapshot:
    """A version of a Delta table. Deletion vectors and column mapping are applied when it is read.

    Args:
        path: a folder or an address such as `s3://bucket/table`. Credentials come from the environment.
        version: None for the latest.

    Raises:
        SourceError: the table or the version does not exist.
    """

    texts: frozenset[str] = frozenset()

    def __init__(self, path: str, version: int | None) -> None:
        try:
            self._table = DeltaTable(path, version)
            self.titles = [field.name for field in self._table.schema().fields]
        except (DeltaError, OSError, ValueError) as error:
            raise _unreadable(path, version, error) from error
        self.name = f"delta:{path}@{self._table.version()}"
        self.place = f"{self._table.table_uri}@{self._table.version()}"

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from pa.RecordBatchReader.from_stream(self._table.scan(list(columns)))
        except (DeltaError, pa.ArrowException, OSError, ValueError) as error:
            raise SourceError(
                f"{self.name}: cannot be read: {error}. If VACUUM has removed files of this version while it was read, "
                "read the latest one"
            ) from error


def _unreadable(path: str, version: int | None, error: Exception) -> SourceError:
    """Return the error for a table, or a version of it, that cannot be opened."""
    words = " ".join(re.sub(r"\x1b\[\d*m|↳", " ", str(error)).split())
    if version is not None:
        try:
            latest = DeltaTable(path).version()
        except (DeltaError, OSError, ValueError):
            pass  # it is the table that cannot be opened
        else:
            return SourceError(
                f"delta:{path}@{version}: the table has no version {version}, or its files were removed; its latest "
                f"version is {latest} ({words})"
            )
    return SourceError(
        f"delta:{path}: no Delta table can be opened: {words}. Check that the path is that of the folder with "
        "_delta_log and, for a remote table, the credentials in the environment"
    )
