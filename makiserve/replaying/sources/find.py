"""From what the user names to sources: paths, patterns, folders, records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from os.path import commonpath
from pathlib import Path
from typing import cast

from makiserve.errors import SourceError
from makiserve.replaying.sources.file import FileSource
from makiserve.replaying.sources.memory import RecordsSource
from makiserve.replaying.sources.source import Source
from makiserve.replaying.sources.topic import TopicSpan
from makiserve.schema import Record

Given = str | Path | TopicSpan | Source | Iterable[str | Path] | Iterable[Record]
"""A file, a pattern such as `house/*.csv`, a folder of part files, several of these, a span of a topic, or records."""


def sources_from(given: Given) -> Sequence[Source]:
    """One source for each file or partition; records are one source.

    Raises:
        SourceError: there is no such file, or one is named twice.
        ConfigurationError: there is no such span of a topic.
    """
    if isinstance(given, TopicSpan):
        return given.sources()
    if isinstance(given, (str, Path)):
        given = [given]
    if hasattr(given, "blocks"):
        return [cast("Source", given)]
    if not isinstance(given, Sequence) or not all(isinstance(each, (str, Path)) for each in given):
        return [RecordsSource(cast("Iterable[Record]", given))]
    paths = [path for each in given for path in _files(str(each))]
    if twice := sorted({str(path) for path in paths if paths.count(path) > 1}):
        raise SourceError(f"{', '.join(twice)}: named more than once; its records would count twice")
    return [FileSource(path, name) for path, name in zip(paths, _names(paths), strict=True)]


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():  # what Spark and others write beside the data begins with _ or .
        found = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith(("_", ".")))
        if not found:
            raise SourceError(f"{path}: the folder has no files")
        return found
    if has_magic(name) and not path.exists():
        found = sorted(Path(each) for each in glob(name, recursive=True))  # noqa: PTH207  pathlib takes no absolute pattern
        if not found:
            raise SourceError(f"{name}: no file has such a name")
        return found
    return [path]


def _names(paths: list[Path]) -> list[str]:
    """Of one file its name, of several the paths from the folder that holds them all."""
    if len(paths) == 1:
        return [paths[0].name]
    folder = Path(commonpath([path.absolute().parent for path in paths]))
    return [path.absolute().relative_to(folder).as_posix() for path in paths]
