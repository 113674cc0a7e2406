"""Warnings about pipelines that run but probably do not do what their author meant."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

from makiserve.errors import PipelineWarning
from makiserve.stream.engine.plan import EACH, Operator, Plan


def warn_of_running_windows(plan: Plan, stacklevel: int) -> None:
    """Warn of overlapping windows whose pipeline emits for each item of each window, instead of once a window.

    Args:
        plan: the pipeline.
        stacklevel: as for `warnings.warn`, relative to this function: 1 is the caller, 2 its caller.
    """
    for window, rows in _running_windows(plan):
        aggregate = next((str(operator) for _, inner in window.plans() for operator in inner.operators), "its pipeline")
        warnings.warn(
            f"{window}: {aggregate} emits for each item of each window, and an item is in {rows} windows, so a "
            f"record gives up to {rows} rows. For one row per window, end the window's pipeline with a reduction, "
            "such as rs.math.mean(…, reduce=True) or rs.ops.last()",
            PipelineWarning,
            stacklevel=stacklevel + 1,
        )


def _running_windows(plan: Plan) -> Iterator[tuple[Operator, int]]:
    for operator in plan.walk():
        sizes = operator.parameters()
        window, stride = (sizes.get(name, sizes.get(f"{name}_ms")) for name in ("window", "stride"))
        inner = next((inner for place, inner in operator.plans() if place == "pipeline"), None)
        if window and stride and window > stride and inner and inner.operators and inner.rhythm == EACH:
            yield operator, -(-window // stride)
