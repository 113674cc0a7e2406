"""One fork server and one packaged model for all tests here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.crashing_service import CrashingService
from tests.chaos.fork_server import ForkServer
from tests.chaos.model import log_forest


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(tmp_path_factory.mktemp("services")) as fork_server:
        yield fork_server


@pytest.fixture(scope="session")
def forest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return log_forest(tmp_path_factory.mktemp("forest") / "mlflow")


@pytest.fixture(scope="session")
def new_service(
    kafka: str, fork_server: ForkServer, forest: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], CrashingService]:
    """Return a function that creates a service with separate topics."""
    return lambda: CrashingService(fork_server, kafka, forest, tmp_path_factory.mktemp("crashing"))
