"""The description of the service on the status page."""

from __future__ import annotations

from typing import Any

from makiserve.scoring import ALONE, ModelGroup
from makiserve.serving.telemetry import describe_service
from makiserve.settings import BrokerSettings, ServeSettings
from tests.unit.serving.fakes import packaged


def companions(**options: Any) -> dict[str, str]:
    model = packaged(**options)
    described = describe_service(
        model, model.scorer().plans, BrokerSettings("broker:9092", "group"), ServeSettings("in", "out", "dead")
    )
    assert (described.name, described.version, described.input, described.output) == ("house", "3", "in", "out")
    return dict(described.companions)


def test_shadow_and_challenger_are_named_by_their_versions() -> None:
    assert companions(companions=ALONE) == {}
    rows = companions(companions=ModelGroup(packaged(version="4"), 0.025, packaged(version="5")))
    assert rows == {"Challenger": "house version 4, 2.5% of the keys", "Shadow": "house version 5"}
