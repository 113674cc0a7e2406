"""Find the sources that the user names: paths, patterns, folders, tables, topics, records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from glob import glob, has_magic
from os.path import commonpath
from pathlib import Path
from typing import Any, cast

from makiserve.errors import ConfigurationError, SourceError
from makiserve.offline.sources.source import FileSource, RecordsSource, Source, TableSource
from makiserve.offline.sources.topic import TopicSpan
from makiserve.records import Record
from makiserve.records.arrow import ArrowStream
from makiserve.records.lake import is_table, open_table, required_order
from makiserve.records.order import Order, order_from
from makiserve.settings import TOPIC_PREFIX, BrokerSettings, ReplaySettings

PROTO = ".proto"
"""The suffix of the schema next to a file of Protobuf messages."""

Named = str | Path | TopicSpan | Source
Given = Named | Iterable[Named] | Iterable[Record] | Iterable[Mapping[str, Any]] | ArrowStream
"""A file, a pattern such as `house/*.csv`, a folder of part files, a table such as `delta:PATH@VERSION`, a span of a
topic, several of these; or rows: a data frame or Arrow table, records or dicts."""


def sources_from(given: Given, order: Order | None = None) -> Sequence[Source]:
    """Return one source for each file or partition; records are one source.

    Args:
        given: what to read.
        order: sorts the rows of a data frame or table; None to keep their order. Other sources already have an order.

    Raises:
        SourceError: a file or table does not exist, or is named twice.
        ConfigurationError: the span of a topic does not exist, or a table is given without an order.
    """
    if isinstance(given, (str, Path, TopicSpan)) or _is_source(given):
        given = [cast("Named", given)]
    if not isinstance(given, Sequence) or not all(_is_named(name) for name in given):
        return [RecordsSource(given, order)]
    spans = [source for topic in given if isinstance(topic, TopicSpan) for source in topic.sources()]
    ready = [cast("Source", source) for source in given if _is_source(source)]
    names = [str(name) for name in given if isinstance(name, (str, Path))]
    tables = [TableSource(open_table(name), required_order(order, name)) for name in _distinct(names) if is_table(name)]
    return [*_file_sources([name for name in names if not is_table(name)]), *tables, *spans, *ready]


def sources_named(settings: ReplaySettings, broker: BrokerSettings | None) -> Sequence[Source]:
    """Return the sources that the settings name. The end of each topic is determined by this call.

    Raises:
        SourceError: for the same reasons as `sources_from`.
        ConfigurationError: for the same reasons as `sources_from`, or if a topic is given without a broker.
    """
    order = order_from(settings.time, settings.tie_by, settings.lane_by)
    return sources_from([_named(name, settings, broker) for name in settings.source], order)


def _named(name: str, settings: ReplaySettings, broker: BrokerSettings | None) -> Named:
    if not name.startswith(TOPIC_PREFIX):
        return name
    if broker is None:
        raise ConfigurationError(f"--replay {name}: reading a topic needs --bootstrap-servers")
    return TopicSpan(
        name.removeprefix(TOPIC_PREFIX),
        broker.bootstrap_servers,
        settings.start,
        settings.end,
        broker.options,
        broker.schema_registry,
        broker.registry_options,
        broker.input_format,
    )


def _is_named(given: object) -> bool:
    return isinstance(given, (str, Path, TopicSpan)) or _is_source(given)


def _is_source(given: object) -> bool:
    return hasattr(given, "blocks")


def _file_sources(names: list[str]) -> list[Source]:
    paths = [path for name in names for path in _files(name)]
    _distinct(list(map(str, paths)))
    return [FileSource(path, name) for path, name in zip(paths, _names(paths), strict=True)]


def _distinct(names: list[str]) -> list[str]:
    """Return the names. Raise if one of them occurs twice."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(
            f"{', '.join(twice)}: given more than once, so its records would count twice. Give each source once"
        )
    return names


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():  # Spark and others write metadata files that begin with _ or .
        paths = sorted(
            child
            for child in path.rglob("*")
            if child.is_file() and not child.name.startswith(("_", ".")) and child.suffix != PROTO
        )
        if not paths:
            raise SourceError(f"{path}: the folder is empty")
        return paths
    if has_magic(name) and not path.exists():
        paths = sorted(Path(match) for match in glob(name, recursive=True))  # noqa: PTH207  pathlib takes no absolute pattern
        if not paths:
            raise SourceError(f"{name}: no file matches")
        return paths
    return [path]


def _names(paths: list[Path]) -> list[str]:
    """Return the name of a single file, or the paths of several files relative to their common folder."""
    if len(paths) < 2:
        return [path.name for path in paths]
    folder = Path(commonpath([path.absolute().parent for path in paths]))
    return [path.absolute().relative_to(folder).as_posix() for path in paths]
