"""A challenger and a shadow beside the model that is served: one transaction for all of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from makiserve.errors import AbortTransaction
from makiserve.scoring import Beside
from makiserve.scoring.split import challenged
from tests.unit.serving.fakes import Kafka, Model, message, packaged
from tests.unit.serving.swapping.conftest import Make, Registry

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
    make(packaged(beside=Beside(shadow=shadow)), shadow_output="shadow").run()
    for number, totals in TOTALS.items():
        assert made(kafka, "out", number) == [("3", {"prediction": total}) for total in totals]
        assert made(kafka, "shadow", number) == [("9", {"prediction": 10 * total}) for total in totals]


def test_what_a_shadow_refuses_is_told_in_its_own_topic(kafka: Kafka, make: Make) -> None:
    shadow = packaged(version="9", model=Model(refuses=True))
    make(packaged(beside=Beside(shadow=shadow)), shadow_output="shadow").run()
    assert kafka.predictions(0) == TOTALS[0]
    assert made(kafka, "shadow", 0) == [("9", {"error": "unlucky"})] * 5
    assert {output.topic for output in kafka.visible} == {"out", "shadow"}


def test_headers_tell_which_of_the_two_models_made_an_output(kafka: Kafka, make: Make) -> None:
    challenger = packaged(version="9", model=Model(10))
    for number, messages in kafka.input.items():
        kafka.input[number] = [keyed(each, f"k{each.offset()}".encode()) for each in messages]
    make(packaged(beside=Beside(challenger, 0.5))).run()
    own = challenged(0.5, [f"k{offset}".encode() for offset in range(5)], "in[0]", range(5))
    assert 0 < sum(own) < 5
    for number, totals in TOTALS.items():
        assert made(kafka, "out", number) == [
            ("9", {"prediction": 10 * total}) if mine else ("3", {"prediction": total})
            for total, mine in zip(totals, own, strict=True)
        ]


def test_the_challenger_stays_when_the_champion_changes(kafka: Kafka, make: Make, registry: Registry) -> None:
    beside = Beside(packaged(version="9", model=Model(10)), 0.5)
    for number, messages in kafka.input.items():
        kafka.input[number] = [keyed(each, f"k{each.offset()}".encode()) for each in messages]
    registry.versions["4"] = packaged(version="4", model=Model(100), beside=beside)
    registry.alias = "4"
    make(packaged(registry=registry, beside=beside)).run()
    own = challenged(0.5, [f"k{offset}".encode() for offset in range(5)], "in[0]", range(5))
    assert [version == "9" for version, _ in made(kafka, "out", 0)] == own
    assert {version for version, _ in made(kafka, "out", 0)} >= {"4", "9"}


def keyed(each: Any, key: bytes) -> Any:
    again = message(each.partition(), each.offset(), each.value())
    again.set_key(key)
    return again
