"""A model as a replay sees it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
import rx

import makiserve.stream as rs
from makiserve.artifact import PackagedModel
from makiserve.scoring import Outputs, Scorer
from makiserve.scoring.drift.profile import profile_from
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import trace
from tests.unit.offline.powers import Double, Features, Reading, pipeline


@pytest.fixture
def model() -> PackagedModel:
    """Return the parts of a packaged model that a replay reads."""
    return model_with(None)


def model_with(post: Plan | None) -> PackagedModel:
    plan, predictor = trace(pipeline()), Double()
    return cast(
        "PackagedModel",
        SimpleNamespace(
            uri="models:/powers@champion",
            name="powers",
            version="3",
            run_id=None,
            digest="0" * 64,
            differences=(),
            reference=SimpleNamespace(outputs=()),
            profile=profile_from({"power": [0.0, 1.0, 2.0, 3.0, 4.0] * 20, "town": ["a", "a", "b"]}),
            record=Reading,
            plan=plan,
            predictor=predictor,
            scorer=lambda: Scorer(plan, predictor, post),
            outputs=lambda emit=(): Outputs(
                Reading, Features._fields, emit=emit, has_model=True, has_post=post is not None
            ),
        ),
    )


@pytest.fixture
def alarmed() -> PackagedModel:
    """Return a model with a post pipeline: predictions of more than 5."""
    over = rx.pipe(
        rs.ops.filter(lambda p: p.prediction > 5),
        rs.ops.map(lambda p: {"time": p.features.time, "over": p.prediction - 5}),
    )
    return model_with(trace(over))
