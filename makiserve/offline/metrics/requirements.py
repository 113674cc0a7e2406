"""Requirements on metrics that a model must meet: `--require "rmse<0.5"`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from makiserve.errors import ConfigurationError

COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
FORM = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(<=|>=|<|>)\s*([-+0-9.eE]+)\s*")


class Requirement(NamedTuple):
    """A limit on a metric."""

    metric: str
    relation: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.bound:g}"


class RequirementResult(NamedTuple):
    """A requirement, the value of its metric, and whether it is met. nan does not meet any requirement."""

    requirement: Requirement
    actual: float
    is_met: bool

    def __str__(self) -> str:
        word = "met" if self.is_met else "failed"
        return f"{word}: {self.requirement} (actual value {self.actual:.6g})"


def requirement_from_text(text: str) -> Requirement:
    """Parse a requirement such as `rmse<0.5` or `auc >= 0.8`.

    Raises:
        ConfigurationError: the text is not a requirement.
    """
    parts = FORM.fullmatch(text)
    try:
        if parts:
            return Requirement(parts[1], parts[2], float(parts[3]))
    except ValueError:
        pass
    raise ConfigurationError(f"--require {text}: expected a metric, one of < <= > >=, and a number, as in rmse<0.5")


def verdicts(requirements: Iterable[Requirement], figures: Mapping[str, float]) -> list[RequirementResult]:
    """Return a verdict on each requirement.

    Raises:
        ConfigurationError: the metric does not exist.
    """
    results = []
    for requirement in requirements:
        if requirement.metric not in figures:
            raise ConfigurationError(
                f"--require {requirement}: unknown metric {requirement.metric}; available: {', '.join(figures)}"
            )
        value = figures[requirement.metric]
        results.append(RequirementResult(requirement, value, COMPARE[requirement.relation](value, requirement.bound)))
    return results
