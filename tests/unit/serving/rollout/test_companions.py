"""A challenger and a shadow alongside the model that is served: one transaction for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from makiserve.errors import AbortTransaction, ConfigurationError, ModelRefused, PipelineChanged
from makiserve.scoring import ModelGroup
from makiserve.scoring.traffic_split import challenged
from makiserve.serving.state.offset_metadata import offset_metadata_from_text
from tests.unit.serving.fakes import Kafka, Model, message, packaged
from tests.unit.serving.rollout.conftest import Make, Registry

TOTALS = {0: [1, 3, 6, 10, 15], 1: [10, 30, 60, 100, 150]}


def made(kafka: Kafka, topic: str, number: int) -> list[tuple[str, Any]]:
    """Version and value of each output."""
    return [
        (output.headers["makiserve.version"].decode(), msgspec.json.decode(output.value or b""))
        for output in kafka.visible
        if (output.topic, output.partition) == (topic, number)
    ]


@pytest.mark.parametrize("call", [None, "flush", "commit"])
def test_a_shadow_is_in_the_transaction_of_the_outputs(kafka: Kafka, make: Make, call: str | None) -> None:
    shadow = packaged(version="9", model=Model(10))
    if call:
        kafka.turns.append(lambda: kafka.fails.setdefault(call, [AbortTransaction("it failed")]))
    make(packaged(companions=ModelGroup(shadow=shadow)), shadow_output="shadow").run()
    for number, totals in TOTALS.items():
        assert made(kafka, "out", number) == [("3", {"prediction": total}) for total in totals]
        assert made(kafka, "shadow", number) == [("9", {"prediction": 10 * total}) for total in totals]


def test_shadow_refusal_is_written_to_its_own_topic(kafka: Kafka, make: Make) -> None:
    shadow = packaged(version="9", model=Model(refuses=True))
    make(packaged(companions=ModelGroup(shadow=shadow)), shadow_output="shadow").run()
    assert kafka.predictions(0) == TOTALS[0]
    assert made(kafka, "shadow", 0) == [("9", {"error": "unlucky"})] * 5
    assert {output.topic for output in kafka.visible} == {"out", "shadow"}


def test_headers_tell_which_of_the_two_models_made_an_output(kafka: Kafka, make: Make) -> None:
    challenger = packaged(version="9", model=Model(10))
    for number, messages in kafka.input.items():
        kafka.input[number] = [keyed(record, f"k{record.offset()}".encode()) for record in messages]
    make(packaged(companions=ModelGroup(challenger, 0.5))).run()
    is_challenged = challenged(0.5, [f"k{offset}".encode() for offset in range(5)], "in[0]", range(5))
    assert 0 < sum(is_challenged) < 5
    for number, totals in TOTALS.items():
        assert made(kafka, "out", number) == [
            ("9", {"prediction": 10 * total}) if mine else ("3", {"prediction": total})
            for total, mine in zip(totals, is_challenged, strict=True)
        ]


def test_the_challenger_stays_when_the_champion_changes(kafka: Kafka, make: Make, registry: Registry) -> None:
    companions = ModelGroup(packaged(version="9", model=Model(10)), 0.5)
    for number, messages in kafka.input.items():
        kafka.input[number] = [keyed(record, f"k{record.offset()}".encode()) for record in messages]
    registry.versions["4"] = packaged(version="4", model=Model(100))
    registry.alias = "4"
    make(packaged(registry=registry, companions=companions)).run()
    is_challenged = challenged(0.5, [f"k{offset}".encode() for offset in range(5)], "in[0]", range(5))
    assert [version == "9" for version, _ in made(kafka, "out", 0)] == is_challenged
    assert {version for version, _ in made(kafka, "out", 0)} >= {"4", "9"}


@pytest.fixture
def later(kafka: Kafka) -> Callable[..., None]:
    """`later(call, 3)`: something happens at this turn, as each partition has three outputs; 20 records in each."""
    kafka.input |= Kafka(kafka.stop, [2] * 20, [5] * 20).input

    def at(call: Callable[[], Any], turn: int = 3) -> None:
        kafka.turns.extend([lambda: None] * (turn - len(kafka.turns)))
        kafka.turns.append(call)

    return at


def versions(kafka: Kafka, topic: str, number: int) -> list[str]:
    return [version for version, _ in made(kafka, topic, number)]


def test_the_alias_of_a_challenger_is_followed(
    kafka: Kafka, make: Make, registry: Registry, later: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    registry.versions["10"] = packaged(version="10", model=Model(100))
    companions = ModelGroup(packaged(version="9", model=Model(10)), 1.0)
    registry.companions["challenger"] = "9"
    later(lambda: registry.companions.update({"challenger": "10"}))
    make(packaged(registry=registry, companions=companions)).run()
    for number, step in ((0, 2), (1, 5)):
        outputs = made(kafka, "out", number)
        since = versions(kafka, "out", number).index("10")
        assert 0 < since < 20
        assert outputs == [
            ("9", {"prediction": 10 * total}) if offset < since else ("10", {"prediction": 100 * total})
            for offset, total in enumerate(range(step, 21 * step, step))
        ]
    assert "challenger: models:/house/9 → models:/house/10" in caplog.messages
    metadata = offset_metadata_from_text(kafka.group[0][1])
    assert metadata
    assert (metadata.model_version, metadata.since) == ("models:/house/3", 0)


def test_shadow_alias_is_followed_while_champions_change(
    kafka: Kafka, make: Make, registry: Registry, later: Any
) -> None:
    registry.versions |= {"4": packaged(version="4", model=Model(2)), "10": packaged(version="10", model=Model(100))}
    registry.companions["shadow"] = "9"
    later(lambda: registry.companions.update({"shadow": "10"}))
    later(lambda: setattr(registry, "alias", "4"), 8)
    shadow = packaged(version="9", model=Model(10))
    make(packaged(registry=registry, companions=ModelGroup(shadow=shadow)), shadow_output="shadow").run()
    for number in (0, 1):
        assert sorted(set(versions(kafka, "shadow", number))) == ["10", "9"]
        assert versions(kafka, "shadow", number)[-1] == "10"
        assert versions(kafka, "out", number)[-1] == "4"
    assert registry.loads == ["models:/house/10", "models:/house/4"]


def test_challenger_that_refuses_more_is_rolled_back(
    kafka: Kafka, make: Make, registry: Registry, later: Any, caplog: pytest.LogCaptureFixture
) -> None:
    registry.versions["10"] = packaged(version="10", model=Model(refuses=True))
    registry.companions["challenger"] = "9"
    later(lambda: registry.companions.update({"challenger": "10"}))
    make(packaged(registry=registry, companions=ModelGroup(packaged(version="9"), 1.0))).run()
    assert registry.loads == ["models:/house/10"]
    assert [versions(kafka, "out", number)[-1] for number in (0, 1)] == ["9", "9"]
    assert "rolled back from models:/house/10 to models:/house/9: it rejected 100%" in caplog.text


@pytest.mark.parametrize("trouble", [PipelineChanged("it has another"), ModelRefused("it lies")])
def test_a_challenger_that_must_not_score_keeps_no_champion_from_coming(
    kafka: Kafka, make: Make, registry: Registry, later: Any, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    registry.versions |= {"4": packaged(version="4"), "10": trouble}
    registry.companions["challenger"] = "9"
    later(lambda: registry.companions.update({"challenger": "10"}))
    later(lambda: setattr(registry, "alias", "4"), 8)
    companions = ModelGroup(packaged(version="9"), 0.5)
    make(packaged(registry=registry, companions=companions), on_state_loss="rebuild").run()
    assert registry.loads == ["models:/house/10", "models:/house/4"]
    assert registry.tried == []
    assert f"still serving models:/house/9, because models:/house/10 must not serve: {trouble}" in caplog.text


def test_an_alias_that_is_gone_keeps_no_other_from_being_followed(
    kafka: Kafka, make: Make, registry: Registry, later: Any, caplog: pytest.LogCaptureFixture
) -> None:
    registry.versions["4"] = packaged(version="4")
    registry.companions["challenger"] = ConfigurationError("there is no alias challenger")
    later(lambda: setattr(registry, "alias", "4"))
    make(packaged(registry=registry, companions=ModelGroup(packaged(version="9"), 0.5))).run()
    assert registry.loads == ["models:/house/4"]
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warned == [
        (
            "still serving models:/house/9, because newer versions cannot be checked or loaded: "
            "there is no alias challenger"
        )
    ]


def test_champion_with_new_pipeline_waits_for_its_challenger(
    kafka: Kafka, make: Make, registry: Registry, later: Any
) -> None:
    registry.versions |= {"4": PipelineChanged("it has another"), "10": PipelineChanged("it has another")}
    registry.companions["challenger"] = "9"
    registry.fails_try_out = ModelRefused("the challenger has another pipeline")
    later(lambda: setattr(registry, "alias", "4"))

    def both() -> None:
        registry.companions["challenger"], registry.fails_try_out = "10", None

    later(both, 9)
    companions = ModelGroup(packaged(version="9"), 0.5)
    with pytest.raises(PipelineChanged, match="models:/house/4 has another pipeline"):
        make(packaged(registry=registry, companions=companions), on_state_loss="rebuild").run()
    assert registry.tried == ["models:/house/4"] * 2


def keyed(record: Any, key: bytes) -> Any:
    again = message(record.partition(), record.offset(), record.value())
    again.set_key(key)
    return again
