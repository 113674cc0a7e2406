"""Delta tables; the only place that knows deltalake."""

from __future__ import annotations

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
            raise SourceError(f"delta:{path}{_at(version)}: {error}") from error
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


def _at(version: int | None) -> str:
    return "" if version is None else f"@{version}"
