"""Whether a model, here and now, gives the outputs that it was packaged with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

from makiserve.errors import ModelRefused
from makiserve.packaging.load import PackagedModel
from makiserve.packaging.reference.reference import Output, outputs_from_scored, score_reference

FEATURE_TOLERANCE = 1e-12  # relative: Python's arithmetic is the same everywhere, a platform's sin() is not
PREDICTION_TOLERANCE = 1e-6  # relative: what another BLAS, or float32, may make of the same model
NOISE = 1e-9  # of the largest prediction: a prediction near zero is a difference of large terms

Same = Callable[[Any, Any], bool]


def check_reference(model: PackagedModel) -> None:
    """Score the reference records and compare every feature and every prediction with the packaged ones.

    Raises:
        ModelRefused: they differ; the message tells for each column how many differ, and the first with both values.
    """
    scored = score_reference(model.plan, model.predictor, model.reference.records)
    expected, found = model.reference.outputs, outputs_from_scored(scored)
    lines = _misplaced(expected, found) or _differences(expected, found)
    if not lines:
        return
    if scored.dead:
        lines.append(f"{len(scored.dead)} reference records are dead letters, the first: {scored.dead[0][1]}")
    lines += [f"environment: {difference}" for difference in model.differences]
    raise ModelRefused(
        f"{model.uri} does not give its reference outputs here, so that it must not serve:\n  " + "\n  ".join(lines)
    )


def _misplaced(expected: Iterable[Output], found: Iterable[Output]) -> list[str]:
    """Where the two first part in which records cause outputs."""
    for wanted, got in zip_longest((o.record for o in expected), (o.record for o in found)):
        if wanted != got:
            return [f"outputs: packaged {_place(wanted)}, here {_place(got)}"]
    return []


def _place(record: int | None) -> str:
    return "no more" if record is None else f"one at record {record}"


def _differences(expected: tuple[Output, ...], found: tuple[Output, ...]) -> list[str]:
    """A line for each column that differs."""
    noise = NOISE * max(map(_magnitude, (output.prediction for output in expected)), default=0.0)
    columns: list[tuple[str, Callable[[Output], Any], Same]] = [
        (f"feature {name!r}", _feature(name), _close(FEATURE_TOLERANCE, 0.0))
        for name in dict.fromkeys(name for output in (*expected, *found) for name in output.features)
    ]
    columns.append(("prediction", lambda output: output.prediction, _close(PREDICTION_TOLERANCE, noise)))
    lines = []
    for title, value, same in columns:
        pairs = [(value(wanted), value(got), wanted.record) for wanted, got in zip(expected, found, strict=True)]
        if differing := [pair for pair in pairs if not same(pair[0], pair[1])]:
            wanted, got, record = differing[0]
            count = f"{len(differing)} of {len(pairs)} differ"
            lines.append(f"{title}: {count}, the first at record {record}: packaged {wanted!r}, here {got!r}")
    return lines


def _feature(name: str) -> Callable[[Output], Any]:
    return lambda output: output.features.get(name, "no such feature")


def _close(relative: float, absolute: float) -> Same:
    """Equality that forgives numbers, at any depth of a value, a small difference."""

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
