"""Requirements on metrics."""

from __future__ import annotations

import pytest

from makiserve.errors import ConfigurationError
from makiserve.offline.metrics.requirements import requirement_from_text, verdicts
from tests.loops import loop_over


@loop_over(
    ("text", "value", "is_met"),
    [
        ("rmse<0.5", 0.4, True),
        ("rmse<0.5", 0.5, False),
        ("rmse<=0.5", 0.5, True),
        (" auc >= 8e-1 ", 0.8, True),
        ("bias>-1", -2.0, False),
        ("rmse<1", float("nan"), False),
    ],
)
def test_a_requirement_is_met_or_not(text: str, value: float, is_met: bool) -> None:
    requirement = requirement_from_text(text)
    (verdict,) = verdicts([requirement], {requirement.metric: value})
    assert verdict.is_met is is_met
    assert str(verdict).startswith("met: " if is_met else "failed: ")


@loop_over("text", ["rmse", "rmse=1", "<1", "rmse<", "rmse<1.2.3", "rmse<1 auc>2"])
def test_text_that_is_not_a_requirement_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a metric"):
        requirement_from_text(text)


def test_an_unknown_metric_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match="unknown metric rsme; available: rmse, mae"):
        verdicts([requirement_from_text("rsme<1")], {"rmse": 1.0, "mae": 1.0})
