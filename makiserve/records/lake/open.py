"""Open a table by its name: `delta:PATH@VERSION`, `iceberg:CATALOG.TABLE@SNAPSHOT`, or a folder."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from makiserve.errors import ConfigurationError
from makiserve.records.lake.folder import PartitionedFolder, is_partitioned
from makiserve.records.lake.lake_table import LakeTable

DELTA, ICEBERG = "delta:", "iceberg:"
TABLE_PREFIXES = (DELTA, ICEBERG)
FORMS = {"delta": "delta:PATH[@VERSION]", "iceberg": "iceberg:CATALOG.NAMESPACE.TABLE[@SNAPSHOT]"}


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
