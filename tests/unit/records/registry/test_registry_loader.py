"""Schemas are loaded once; while one is not known its records wait, and a missing one is confirmed."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from makiserve.errors import ConfigurationError, DecodeError, SchemaNotFound, SchemaRegistryUnavailable
from makiserve.records.registry import schema_loader as module
from makiserve.records.registry.schema_loader import BackgroundLoader, DirectLoader

DOWN = SchemaRegistryUnavailable("down")


class Answers:
    """Gives prepared answers in turn; the last one again and again."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, key: bytes) -> str:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


def until_known(loader: BackgroundLoader[str]) -> str | DecodeError:
    deadline = time.monotonic() + 30
    while (loaded := loader.get(b"k")) is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return loaded


def test_a_schema_is_loaded_once_in_the_background() -> None:
    load = Answers("schema")
    loader = BackgroundLoader(load)
    assert loader.get(b"k") is None
    assert until_known(loader) == until_known(loader) == "schema"
    assert load.asked == 1
    loader.close()


@pytest.mark.parametrize("trouble", [DOWN, ConfigurationError("401")])
def test_records_wait_while_the_registry_refuses(trouble: Exception, caplog: pytest.LogCaptureFixture) -> None:
    load = Answers(trouble, trouble, "schema")
    loader = BackgroundLoader(load)
    assert until_known(loader) == "schema"
    assert load.asked == 3
    assert len(caplog.records) == 1
    assert "; records of this schema wait " in caplog.text
    loader.close()


def test_a_missing_schema_is_an_error_when_it_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MISSING_S", 0.2)
    load = Answers(SchemaNotFound("none"))
    loader = BackgroundLoader(load)
    assert isinstance(until_known(loader), SchemaNotFound)
    assert load.asked > 1
    loader.close()


def test_a_schema_that_a_replica_has_late_is_found() -> None:
    loader = BackgroundLoader(Answers(SchemaNotFound("none"), "schema"))
    assert until_known(loader) == "schema"
    loader.close()


def test_missing_schema_is_requested_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MISSING_S", 0.0)
    monkeypatch.setattr(module, "MISSING_AGAIN_S", 0.0)
    loader = BackgroundLoader(Answers(SchemaNotFound("none"), "schema"))
    assert isinstance(until_known(loader), SchemaNotFound)
    assert until_known(loader) == "schema"
    loader.close()


def test_an_undecodable_schema_is_an_error_at_once() -> None:
    load = Answers(DecodeError("not Avro"))
    loader = BackgroundLoader(load)
    assert str(until_known(loader)) == "not Avro"
    assert load.asked == 1
    loader.close()


def test_a_direct_loader_waits_for_the_registry_and_remembers() -> None:
    load = Answers(DOWN, "schema")
    loader = DirectLoader(load, timedelta(seconds=30))
    assert loader.get(b"k") == loader.get(b"k") == "schema"
    assert load.asked == 2


def test_a_direct_loader_gives_up() -> None:
    with pytest.raises(SchemaRegistryUnavailable, match="down"):
        DirectLoader(Answers(DOWN), timedelta(0)).get(b"k")


def test_a_direct_loader_returns_the_error_of_a_missing_schema() -> None:
    assert isinstance(DirectLoader(Answers(SchemaNotFound("none")), timedelta(0)).get(b"k"), SchemaNotFound)
