"""The service description for the status page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from makiserve.monitoring.snapshot import PipelineStep, Service
from makiserve.scoring import Served
from makiserve.serving.telemetry.measures import PREFIXES
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream.engine.drawing import DrawnLine, tree
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.version import __version__


def describe_service(model: Served, plans: Sequence[Plan], broker: BrokerSettings, settings: ServeSettings) -> Service:
    """Return the description of a service; `plans` are those of its features and of its post pipeline."""
    return Service(
        uri=model.uri,
        name=model.name or "",
        version=model.version or "",
        digest=model.digest,
        makiserve=__version__,
        input=settings.input,
        output=settings.output,
        dead_letters=settings.dead_letters,
        group=broker.group,
        pipelines=tuple(
            (title, steps(plan, prefix))
            for title, plan, prefix in zip(("features", "post"), plans, PREFIXES, strict=False)
        ),
        companions=tuple(_companions(model)),
    )


def _companions(model: Served) -> Iterator[tuple[str, str]]:
    challenger, share, shadow = model.companions
    if challenger:
        yield "Challenger", f"{_model_name(challenger)}, {share * 100:g}% of the keys"
    if shadow:
        yield "Shadow", _model_name(shadow)


def _model_name(model: Served) -> str:
    return f"{model.name} version {model.version}" if model.name and model.version else model.uri


def steps(plan: Plan, prefix: str = "") -> tuple[PipelineStep, ...]:
    """Return the operators of a plan, with nested ones; `prefix` is put before their paths."""
    return _chain(plan, prefix, iter(tree(plan)))


def _chain(plan: Plan, prefix: str, lines: Iterator[DrawnLine]) -> tuple[PipelineStep, ...]:
    return tuple(_step(operator, prefix, lines) for operator in plan.operators)


def _step(operator: Operator, prefix: str, lines: Iterator[DrawnLine]) -> PipelineStep:
    line = next(lines)
    return PipelineStep(
        name=str(operator),
        path=prefix + line.path,
        slots=line.slots,
        is_sliced=getattr(operator, "is_sliced", None),
        branches=tuple(_chain(inner, prefix, lines) for _, inner in operator.plans()),
    )
