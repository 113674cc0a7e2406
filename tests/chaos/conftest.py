"""One nursery and one packaged model for all tests here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.model import log_forest
from tests.chaos.nursery import Nursery
from tests.chaos.patient import Patient


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("lives")) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def forest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return log_forest(tmp_path_factory.mktemp("forest") / "mlflow")


@pytest.fixture(scope="session")
def admit(kafka: str, nursery: Nursery, forest: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Patient]:
    """Gives a new patient, with topics of its own."""
    return lambda: Patient(nursery, kafka, forest, tmp_path_factory.mktemp("patient"))
