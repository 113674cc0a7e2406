"""The worker switches versions between two commits, and each output names the version that made it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from itertools import accumulate
from typing import Any

import pytest

from makiserve.errors import (
    AbortTransaction,
    ConfigurationError,
    ModelRefused,
    PipelineChanged,
    RegistryUnavailable,
    StateError,
)
from makiserve.serving import transactions as module
from makiserve.serving.signals import Stop
from makiserve.serving.state.offset_metadata import OffsetMetadata, offset_metadata_from_text
from makiserve.stream import math, ops
from makiserve.stream.engine.trace import trace
from tests.unit.serving.fakes import Kafka, Model, Output, message, packaged
from tests.unit.serving.rollout.conftest import Make, Registry

COUNT = 12
VALUES = [[2] * COUNT, [*range(10, 10 * COUNT + 1, 10)]]
TOTALS = {number: [*accumulate(values)] for number, values in enumerate(VALUES)}


@pytest.fixture
def kafka(stop: Stop) -> Kafka:
    return Kafka(stop, *VALUES)


@pytest.fixture
def move(kafka: Kafka, registry: Registry) -> Callable[..., None]:
    """`move("4", model)`: the alias moves when each partition has two outputs."""

    def to(alias: Any, model: Any = None) -> None:
        if model is not None:
            registry.versions[alias] = model

        def now() -> None:
            registry.alias = alias

        kafka.turns += [lambda: None, lambda: None, now]

    return to


def outputs(kafka: Kafka, number: int) -> list[Output]:
    return [output for output in kafka.visible if output.topic == "out" and output.partition == number]


def versions(kafka: Kafka, number: int) -> str:
    return "".join(output.headers["makiserve.version"].decode() for output in outputs(kafka, number))


def committed_metadata(kafka: Kafka, number: int) -> OffsetMetadata:
    metadata = offset_metadata_from_text(kafka.group[number][1])
    assert metadata
    return metadata


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "ERROR"]


def assert_replayed(kafka: Kafka) -> None:
    """Outputs equal a replay that switches versions where the metadata do; version 4 predicts ten times the total."""
    for number, totals in TOTALS.items():
        since = committed_metadata(kafka, number).since
        assert 0 < since < COUNT
        assert versions(kafka, number) == "3" * since + "4" * (COUNT - since)
        assert kafka.predictions(number) == [*totals[:since], *(10 * total for total in totals[since:])]


def test_alias_moves_and_outputs_are_of_the_version_they_name(
    kafka: Kafka, make: Make, move: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    move("4", packaged(version="4", model=Model(10)))
    make().run()
    assert_replayed(kafka)
    since = committed_metadata(kafka, 0).since
    assert f"in[0]: models:/house/3 → models:/house/4 at offset {since}" in caplog.messages
    assert committed_metadata(kafka, 0).model_version == "models:/house/4"


@pytest.mark.parametrize("call", ["flush", "offsets", "commit"])
@pytest.mark.parametrize("turn", range(3, 7))
def test_an_abort_around_the_switch_changes_nothing(kafka: Kafka, make: Make, move: Any, call: str, turn: int) -> None:
    move("4", packaged(version="4", model=Model(10)))
    worker = make()
    while len(kafka.turns) < turn:
        kafka.turns.append(lambda: None)
    kafka.turns.insert(turn, lambda: kafka.fails.setdefault(call, [AbortTransaction("it failed")]))
    worker.run()
    assert kafka.fails[call] == []
    assert_replayed(kafka)


def test_offset_of_a_switch_is_known_after_a_restart(kafka: Kafka, make: Make, move: Any, registry: Registry) -> None:
    move("4", packaged(version="4", model=Model(10)))
    make().run()
    since = committed_metadata(kafka, 0).since
    kafka.stop.__init__()  # type: ignore[misc]
    kafka.input[0].append(message(0, COUNT, b'{"value": 1}'))
    make(packaged(version="4", model=Model(10), registry=registry)).run()
    assert (committed_metadata(kafka, 0).model_version, committed_metadata(kafka, 0).since) == (
        "models:/house/4",
        since,
    )


def test_version_is_rolled_back_before_its_outputs_are_visible(
    kafka: Kafka, make: Make, move: Any, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    move("4", packaged(version="4", model=Model(refuses=True)))
    kafka.input |= Kafka(kafka.stop, [2] * 60, [2] * 60).input
    make(max_batch=6, commit_interval=timedelta(minutes=1)).run()
    assert registry.loads == ["models:/house/4"]
    assert len(outputs(kafka, 0)) == len(outputs(kafka, 1)) == 60
    assert not [output for output in kafka.visible if output.topic == "dead"]
    assert set(versions(kafka, 0) + versions(kafka, 1)) == {"3"}


def test_version_that_refuses_more_and_more_is_rolled_back(
    kafka: Kafka, make: Make, move: Any, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    move("4", packaged(version="4", model=Model(refuses=True)))
    make().run()
    dead = [output for output in kafka.visible if output.topic == "dead"]
    assert len(dead) == 4  # the fifth is aborted
    assert len(kafka.visible) == 2 * COUNT
    assert versions(kafka, 0)[-1] == "3"
    assert registry.loads == ["models:/house/4"]
    assert errors(caplog) == [
        (
            "rolled back from models:/house/4 to models:/house/3: it rejected 100% of 6 records; "
            "the previous version rejected 0%"
        )
    ]


def test_unavailable_registry_changes_nothing_and_is_logged_once(
    kafka: Kafka, make: Make, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    registry.alias = ConfigurationError("no answer from http://registry")

    def back() -> None:
        registry.alias = "3"

    kafka.turns += [*[lambda: None] * 5, back, *[lambda: None] * 3]
    make().run()
    assert {number: kafka.predictions(number) for number in TOTALS} == TOTALS
    logged = [(record.levelname, record.message) for record in caplog.records if record.name.endswith("alias_watcher")]
    assert logged == [
        (
            "WARNING",
            "still serving models:/house/3, because newer versions cannot be checked or loaded: no answer from http://registry",
        ),
        ("INFO", "the registry answers again; newest version: models:/house/3"),
    ]


def test_a_candidate_that_must_not_serve_is_refused_once(
    kafka: Kafka, make: Make, move: Any, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    move("4", ModelRefused("its reference outputs differ"))
    make().run()
    assert {number: kafka.predictions(number) for number in TOTALS} == TOTALS
    assert registry.loads == ["models:/house/4"]
    assert errors(caplog) == [
        "still serving models:/house/3, because models:/house/4 must not serve: its reference outputs differ"
    ]


def test_another_pipeline_is_refused_unless_the_state_may_go(
    kafka: Kafka, make: Make, move: Any, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    move("4", PipelineChanged("it has another pipeline"))
    make().run()
    assert {number: kafka.predictions(number) for number in TOTALS} == TOTALS
    assert registry.tried == []
    assert "it needs --on-state-loss rebuild or start-empty" in caplog.text


def test_another_pipeline_is_tried_in_a_fresh_process_and_this_one_drains(
    kafka: Kafka, make: Make, move: Any, registry: Registry
) -> None:
    move("4", PipelineChanged("it has another pipeline"))
    with pytest.raises(PipelineChanged, match="models:/house/4 has another pipeline"):
        make(on_state_loss="rebuild").run()
    assert registry.tried == ["models:/house/4"]
    assert 0 < kafka.group[0][0] == len(kafka.predictions(0)) < COUNT


def test_another_pipeline_that_fails_in_the_fresh_process_is_refused(
    kafka: Kafka, make: Make, move: Any, registry: Registry
) -> None:
    registry.fails_try_out = ModelRefused("no")
    move("4", PipelineChanged("it has another pipeline"))
    make(on_state_loss="rebuild").run()
    assert {number: kafka.predictions(number) for number in TOTALS} == TOTALS


POST = trace([ops.map(lambda item: item.prediction), math.sum()])
"""The running sum of the predictions."""


def sums(since: int) -> list[int]:
    """Return the sum of the outputs of version 3 up to `since`, and of version 4 after it."""
    given = [total if offset < since else 10 * total for offset, total in enumerate(TOTALS[0])]
    return [sum(given[: offset + 1]) for offset in range(COUNT)]


@pytest.mark.parametrize("call", [None, "flush", "commit"])
@pytest.mark.parametrize("turn", range(3, 9))
def test_post_state_has_predictions_of_the_version_that_scored(
    kafka: Kafka, make: Make, move: Any, registry: Registry, call: str | None, turn: int
) -> None:
    move("4", packaged(version="4", model=Model(10), post=POST))
    worker = make(packaged(post=POST, registry=registry))
    while len(kafka.turns) < turn:
        kafka.turns.append(lambda: None)
    if call:
        kafka.turns.insert(turn, lambda: kafka.fails.setdefault(call, [AbortTransaction("it failed")] * 2))
    worker.run()
    assert kafka.predictions(0) == sums(committed_metadata(kafka, 0).since)


def commit_without_checkpoint(self: module.Transactions) -> bool:
    """The end of a worker that leaves as little as a crash does."""
    self.commit()
    return True


def test_restart_rescores_records_with_their_own_version(
    kafka: Kafka, make: Make, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.Transactions, "final_commit", commit_without_checkpoint)
    more = kafka.input[0][3:]
    del kafka.input[0][3:]
    make(packaged(post=POST, registry=registry)).run()
    assert committed_metadata(kafka, 0).checkpoint is None
    kafka.stop.__init__()  # type: ignore[misc]
    kafka.input[0] += more
    registry.alias = "4"
    make(packaged(version="4", model=Model(10), post=POST, registry=registry)).run()
    assert registry.loads == ["models:/house/3"]
    assert kafka.predictions(0) == sums(3)
    assert committed_metadata(kafka, 0).checkpoint is not None


@pytest.mark.parametrize("trouble", [RegistryUnavailable("no answer"), ModelRefused("it was deleted")])
def test_a_version_that_cannot_be_had_is_waited_for_or_the_state_is_lost(
    kafka: Kafka, make: Make, registry: Registry, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    monkeypatch.setattr(module.Transactions, "final_commit", commit_without_checkpoint)
    make(packaged(post=POST, registry=registry)).run()
    kafka.stop.__init__()  # type: ignore[misc]
    kafka.input[0].append(message(0, COUNT, b'{"value": 2}'))
    first, registry.alias = registry.versions["3"], "4"
    registry.versions["3"] = trouble

    def load(model_version: str) -> Any:
        registry.loads.append(model_version)
        registry.versions["3"], loaded = first, registry.versions["3"]
        if isinstance(loaded, Exception):
            raise loaded
        return loaded

    monkeypatch.setattr(registry, "load", load)
    worker = make(packaged(version="4", model=Model(10), post=POST, registry=registry))
    if isinstance(trouble, ModelRefused):
        with pytest.raises(StateError, match=r"predictions of models:/house/3, which cannot be loaded"):
            worker.run()
    else:
        worker.run()
        assert registry.loads[:2] == ["models:/house/3"] * 2
        assert kafka.predictions(0)[-1] == sums(COUNT)[-1] + 10 * (TOTALS[0][-1] + 2)
