"""A folder of Parquet files whose subfolders name the values of partitions, such as `day=2026-11-28`, as of Hive."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
from pyarrow import dataset, fs

from makiserve.errors import SourceError
from makiserve.records.arrow import BLOCK_ROWS

NULL = "__HIVE_DEFAULT_PARTITION__"
LOCAL = fs.LocalFileSystem()
# If Arrow buffers ahead, it keeps the bytes of all row groups until the last one is read (apache/arrow#39808).
FORMAT = dataset.ParquetFileFormat(coerce_int96_timestamp_unit="us", pre_buffer=False)


class PartitionedFolder:
    """All files of a folder as one table. The values of partitions are texts, read like the cells of a CSV file.

    Args:
        folder: with subfolders `NAME=VALUE`.

    Raises:
        SourceError: a file is not Parquet, or the files have no types in common.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = _files(folder)
        self._version = self._fingerprint()
        self.name = f"{folder}/"
        self.place = f"{folder.absolute()}@{self._version[:12]}, {len(self._files):,} files"
        try:
            inside = pa.unify_schemas(
                [FORMAT.inspect(str(file), LOCAL) for file in self._files], promote_options="permissive"
            )
            names = {name for file in self._files for name in _partitions(file.relative_to(folder))}
            self.texts = frozenset(names.difference(inside.names))
            partitions = pa.schema([(name, pa.string()) for name in sorted(self.texts)])
            self._table = dataset.dataset(
                [str(file) for file in self._files],
                pa.schema([*inside, *partitions]),
                FORMAT,
                LOCAL,
                partitioning=dataset.HivePartitioning(partitions, null_fallback=NULL),
                partition_base_dir=str(folder),
            )
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self.name}: its files are not one Parquet table: {error}") from error
        self.titles = self._table.schema.names

    def scan(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from self._table.to_batches(columns=list(columns), batch_size=BLOCK_ROWS)
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{self.name}: cannot be read: {error}") from error
        if _files(self._folder) != self._files or self._fingerprint() != self._version:
            raise SourceError(f"{self.name}: the files changed while they were read: read a copy that does not change")

    def _fingerprint(self) -> str:
        """Return a digest of the names, sizes and times of the files."""
        digest = hashlib.sha256()
        for file in self._files:
            status = file.stat()
            digest.update(f"{file.relative_to(self._folder)} {status.st_size} {status.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def is_partitioned(path: Path) -> bool:
    """Return whether a path is a folder of Parquet files in subfolders that are named for partitions."""
    if not path.is_dir() or not any(child.is_dir() and "=" in child.name for child in path.iterdir()):
        return False
    files = _files(path)
    return bool(files) and all(".parquet" in file.suffixes for file in files)


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder, without those that Spark and others write as metadata."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return sorted(file for file in files if not file.name.startswith(("_", ".")))


def _partitions(file: Path) -> list[str]:
    return [part.partition("=")[0] for part in file.parts[:-1] if "=" in part]
