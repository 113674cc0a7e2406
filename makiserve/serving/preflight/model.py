"""Checks of what is served, for which no broker is needed."""

from __future__ import annotations

from makiserve.errors import PipelineError
from makiserve.packaging import PackagedModel
from makiserve.serving.preflight.run import Facts, Found
from makiserve.serving.state.check import check_state


def model(facts: Facts) -> Found:
    """It loads, and gives its reference outputs."""
    found = facts.model
    if isinstance(found, PackagedModel):
        return Found(f"{found.uri} gives its {len(found.reference.outputs)} reference outputs")
    return Found(f"{found.uri}, a pipeline without a model")


def environment(facts: Facts) -> Found:
    """The versions here are those that it was packaged with."""
    if not isinstance(facts.model, PackagedModel):
        return Found("none was packaged with a pipeline alone")
    differences = facts.model.differences
    if not differences:
        return Found("as it was packaged")
    return Found(f"{len(differences)} differences", "; ".join(differences))


def state(facts: Facts) -> Found:
    """What the pipeline remembers can be saved and restored."""
    scorer = facts.model.scorer(is_tracked=True)
    if scorer.hidden:
        raise PipelineError(f"it cannot be saved and restored: {'; '.join(scorer.hidden)}")
    if scorer.stateless:
        return Found("none: the pipeline remembers nothing")
    if not facts.model.sample:
        return Found("not tried: no reference records come with a pipeline alone")
    check_state(scorer, facts.model.sample)
    return Found(f"can be saved, tried on {len(facts.model.sample)} records")
