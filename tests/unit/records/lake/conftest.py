"""A catalog of Iceberg tables for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalog import set_catalog


@pytest.fixture(autouse=True)
def _catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_catalog(monkeypatch, tmp_path)
