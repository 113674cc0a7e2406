"""A tracking store for all tests of packaging, and projects whose modules are forgotten after each test."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import pytest

from makiserve.artifact import log_model
from makiserve.artifact.source.finder import PackagedSources
from tests.unit.artifact.example import HOUSE, fitted, readings, write

Project = Callable[[dict[str, str], str], ModuleType]


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a tracking store; creating one takes seconds, so that the tests share it."""
    directory = tmp_path_factory.mktemp("tracking")
    here, before = Path.cwd(), mlflow.get_tracking_uri()
    os.chdir(directory)  # where the default experiment's artifacts will be
    try:
        mlflow.set_tracking_uri(f"sqlite:///{directory / 'mlflow.db'}")
        mlflow.search_experiments()
    finally:
        os.chdir(here)
    yield mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(before)


@pytest.fixture(autouse=True)
def _forget_packaged_modules() -> Iterator[None]:
    modules, finders, path = set(sys.modules), sys.meta_path.copy(), sys.path.copy()
    yield
    sys.meta_path[:] = finders
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        loader = getattr(sys.modules[name], "__loader__", None)
        if isinstance(loader, PackagedSources) or name.partition(".")[0] in ("house", "cabin"):
            del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """`project(files, module)` writes a source tree, puts it in `sys.path` and imports the module."""

    def make(files: dict[str, str], module: str) -> ModuleType:
        root = tmp_path / "project"
        write(files, root)
        sys.path.insert(0, str(root))
        importlib.invalidate_caches()
        return importlib.import_module(module)

    return make


@pytest.fixture
def house(project: Project) -> ModuleType:
    return project(HOUSE, "house.features")


@pytest.fixture
def log(tracking: str) -> Callable[..., Any]:
    """`log(house, **changes)` logs a model of the house, with the requirements given so that none are inferred."""

    def log(house: ModuleType, **changes: Any) -> Any:
        arguments = {
            "model": fitted(),
            "features": house.features,
            "record": house.Reading,
            "reference": readings(house),
            "pip_requirements": ["scikit-learn"],
        }
        return log_model(**arguments | changes)

    return log
