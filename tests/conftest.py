"""Fixtures for every test: the broker and its topics, the browser."""

from __future__ import annotations

import gc
import os
import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.admin import AdminClient
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

from makiserve.testing.broker import (
    CannotInstall,
    KafkaDistribution,
    KafkaServer,
    RegistryServer,
    create_topic,
    install,
    install_registry,
)
from tests.browser import NoBrowser, chromium
from tests.examples import FAST

# A shared machine may be slow at any moment: no example fails for its time.
settings.register_profile("makiserve", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fast", settings.get_profile("makiserve"), max_examples=FAST)
settings.load_profile("makiserve")

BROKER = {"kafka", "distribution"}
SLOW = BROKER | {"registry", "tracking", "saved", "browser"}
"""Fixtures that start a server or a browser, or store a model in MLflow: a test that uses one is slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
        fixtures = {name for name, definitions in known.items() if definitions[-1].scope != "function"}  # else a fake
        if BROKER & fixtures:
            item.add_marker("broker")
        if SLOW & fixtures:
            item.add_marker("slow")


gc.disable()  # until the tests are collected: walking what is imported takes seconds


def pytest_collection_finish(session: pytest.Session) -> None:
    """Exempt the imported libraries and the collected tests from garbage collection."""
    gc.enable()
    gc.freeze()


@pytest.fixture(scope="session")
def distribution() -> KafkaDistribution:
    """An installed Kafka. Where there can be none the test is skipped, and fails in CI."""
    try:
        return install()
    except CannotInstall as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a real broker: the one in KAFKA_BOOTSTRAP_SERVERS, or our own for the session."""
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield given
        return
    distribution = request.getfixturevalue("distribution")
    with KafkaServer(distribution, tmp_path_factory.mktemp("kafka")) as server:
        yield server.bootstrap_servers


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A real schema registry. Where there can be none the test is skipped, and fails in CI."""
    try:
        jar = install_registry()
    except CannotInstall as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))
    with RegistryServer(jar, tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture(scope="session")
def admin(kafka: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka, "log_level": 0})


@pytest.fixture
def topic(admin: AdminClient, request: pytest.FixtureRequest) -> Iterator[Callable[..., str]]:
    """`topic(partitions=1, **config)` creates a topic and gives its name; it is deleted after the test."""
    created: list[str] = []

    def create(partitions: int = 1, **config: str) -> str:
        name = re.sub(r"[^\w.-]", "-", request.node.name)[:100] + "-" + uuid.uuid4().hex[:8]
        create_topic(admin, name, partitions, **config)
        created.append(name)
        return name

    yield create
    if created:
        admin.delete_topics(created)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Where there can be none the test is skipped, and fails in CI.

    Of a module and no longer: while playwright is there its event loop is, and `asyncio.run` refuses a second one.
    """
    try:
        with chromium() as running:
            yield running
    except NoBrowser as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))
