"""The output file. It gets its name when all of it has been written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.output.parquet_writer import ParquetWriter
from makiserve.offline.output.writers import Columns, CsvWriter, JsonLinesWriter
from makiserve.offline.sources import Block
from makiserve.scoring import Outputs, Scored


class Writer(Protocol):
    """A writer of one file format."""

    def __init__(self, file: BinaryIO, titles: list[str], form: Outputs) -> None: ...

    def write(self, places: Columns, objects: Sequence[Any]) -> None:
        """Append outputs: their positions and keys, and the published objects."""

    def close(self) -> None:
        """Finish the file. A file without outputs has the columns nevertheless."""

    def drop(self) -> None:
        """Release the file without finishing it; it will be deleted."""


WRITERS: dict[str, type[Writer]] = {
    ".csv": CsvWriter,
    ".parquet": ParquetWriter,
    ".jsonl": JsonLinesWriter,
    ".ndjson": JsonLinesWriter,
}


class OutputFile:
    """Writes each output with the position of the record that caused it, and with its key if the source has keys.

    Args:
        writer: for the format.
        form: what is published.
        is_keyed: whether the source has keys.
    """

    def __init__(self, writer: Writer, form: Outputs, *, is_keyed: bool) -> None:
        self._writer = writer
        self._form = form
        self._is_keyed = is_keyed
        self.needs_records, self.needs_features = form.needs_records, form.needs_features

    def take(self, block: Block, scored: Scored) -> None:
        causes, objects = self._form.objects(scored, block.records)
        places: Columns = {"source": [block.source] * len(causes), "offset": [block.offsets[cause] for cause in causes]}
        if self._is_keyed:
            keys = block.keys or ()
            places["key"] = [_text(keys[cause]) for cause in causes]
        if objects:
            self._writer.write(places, objects)


@contextmanager
def output_file(path: Path | None, form: Outputs, *, is_keyed: bool) -> Iterator[OutputFile | None]:
    """Open a sink that writes a file in the format of its suffix; yield None without a path.

    The file is named `….part` until all of it is on the disk. If anything fails, it is deleted.

    Raises:
        ConfigurationError: no format has this suffix.
        SourceError: the file cannot be written.
    """
    if path is None:
        yield None
        return
    writer = WRITERS.get(path.suffix)
    if writer is None:
        raise ConfigurationError(f"{path}: the name of the output file must end in {', '.join(WRITERS)}")
    part = path.with_name(path.name + ".part")
    titles = ["source", "offset", *(["key"] if is_keyed else []), *form.names]
    try:
        with part.open("w+b") as file:
            writing = writer(file, titles, form)
            try:
                yield OutputFile(writing, form, is_keyed=is_keyed)
                writing.close()
            except BaseException:
                writing.drop()
                raise
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}; nothing was written") from error
    finally:
        part.unlink(missing_ok=True)


def _text(key: Any) -> Any:
    """Return a message's key as text; bytes that are not UTF-8 are escaped."""
    return key.decode(errors="backslashreplace") if isinstance(key, bytes) else key
