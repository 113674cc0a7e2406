"""Check that a model reproduces its packaged outputs in this environment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from operator import attrgetter
from typing import Any, NamedTuple

from makiserve.artifact.packaged import PackagedModel
from makiserve.artifact.reference.reference import (
    PostedOutput,
    ReferenceOutput,
    outputs_from_scored,
    posted_from_scored,
    score_reference,
)
from makiserve.errors import ModelRefused

FEATURE_TOLERANCE = 1e-12  # relative: Python's arithmetic is the same everywhere, but sin() depends on the platform
PREDICTION_TOLERANCE = 1e-6  # relative: the effect of another BLAS, or of float32, on the same model
NOISE = 1e-9  # relative to the largest prediction: a prediction near zero is a difference of large terms

Same = Callable[[Any, Any], bool]
AnyOutput = ReferenceOutput | PostedOutput


def check_reference(model: PackagedModel) -> None:
    """Score the reference records and compare every feature and every prediction with the packaged ones.

    Raises:
        ModelRefused: they differ. For each column the message contains the number of differences, and both values of
            the first one.
    """
    scored = score_reference(model.scorer(), model.reference.records)
    expected, actual = model.reference.outputs, outputs_from_scored(scored)
    lines = _misplaced("outputs", expected, actual) or _differences(expected, actual)
    posted = model.reference.posted, posted_from_scored(scored)
    lines += _misplaced("outputs of the post pipeline", *posted) or _posted_differences(*posted)
    if not lines:
        return
    if scored.dead:
        lines.append(f"{len(scored.dead)} reference records could not be scored, the first: {scored.dead[0][1]}")
    lines += [f"environment: {difference}" for difference in model.differences]
    raise ModelRefused(
        f"{model.uri} does not reproduce its reference outputs here, so it must not serve:\n  " + "\n  ".join(lines)
    )


def _misplaced(what: str, expected: Iterable[AnyOutput], actual: Iterable[AnyOutput]) -> list[str]:
    """Return a line for the first output that is caused by different records; empty if there is none."""
    for wanted, got in zip_longest((o.record for o in expected), (o.record for o in actual)):
        if wanted != got:
            return [f"{what}: packaged {_place(wanted)}, here {_place(got)}"]
    return []


def _place(record: int | None) -> str:
    return "no further one" if record is None else f"one at record {record}"


def _differences(expected: tuple[ReferenceOutput, ...], actual: tuple[ReferenceOutput, ...]) -> list[str]:
    """Return a line for each column that differs."""
    noise = NOISE * max(map(_magnitude, (output.prediction for output in expected)), default=0.0)
    names = dict.fromkeys(name for output in (*expected, *actual) for name in output.features)
    same = _close(FEATURE_TOLERANCE, 0.0)
    columns = [_Column(f"feature {name!r}", _field("features", name), same) for name in names]
    columns.append(_Column("prediction", attrgetter("prediction"), _close(PREDICTION_TOLERANCE, noise)))
    return [line for column in columns for line in column.differences(expected, actual)]


def _posted_differences(expected: tuple[PostedOutput, ...], actual: tuple[PostedOutput, ...]) -> list[str]:
    """Return a line for each column of the post pipeline that differs; its numbers may come from predictions."""
    noise = NOISE * max((_magnitude(output.fields) for output in expected), default=0.0)
    same = _close(PREDICTION_TOLERANCE, noise)
    names = dict.fromkeys(name for output in (*expected, *actual) for name in output.fields)
    columns = (_Column(f"post output {name!r}", _field("fields", name), same) for name in names)
    return [line for column in columns for line in column.differences(expected, actual)]


class _Column(NamedTuple):
    """A column to compare: one value of each output."""

    title: str
    value: Callable[[Any], Any]
    same: Same

    def differences(self, expected: Sequence[AnyOutput], actual: Sequence[AnyOutput]) -> list[str]:
        """Return a line with the number of differences and the first one; empty if there are none."""
        pairs = [(self.value(a), self.value(b), a.record) for a, b in zip(expected, actual, strict=True)]
        differing = [pair for pair in pairs if not self.same(pair[0], pair[1])]
        if not differing:
            return []
        wanted, got, record = differing[0]
        count = f"{len(differing)} of {len(pairs)} differ"
        return [f"{self.title}: {count}, the first at record {record}: packaged {wanted!r}, here {got!r}"]


def _field(of: str, name: str) -> Callable[[Any], Any]:
    return lambda output: getattr(output, of).get(name, "nothing")


def _close(relative: float, absolute: float) -> Same:
    """Return an equality test that tolerates small differences of numbers at any depth of a value."""

    def same(a: Any, b: Any) -> bool:
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(same, a, b))
        if _is_number(a) and _is_number(b):
            return math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
        return type(a) is type(b) and bool(a == b)

    return same


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _magnitude(value: Any) -> float:
    if isinstance(value, dict | list):
        return max(map(_magnitude, value.values() if isinstance(value, dict) else value), default=0.0)
    return abs(float(value)) if _is_number(value) else 0.0
