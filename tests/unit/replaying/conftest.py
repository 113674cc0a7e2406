"""A model as a replay sees it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from makiserve.packaging import PackagedModel
from makiserve.stream.engine.trace import trace
from tests.unit.replaying.powers import Double, Reading, pipeline


@pytest.fixture
def model() -> PackagedModel:
    """What a replay looks at of a packaged model."""
    plan = trace(pipeline())
    return cast("PackagedModel", SimpleNamespace(record=Reading, plan=plan, predictor=Double()))
