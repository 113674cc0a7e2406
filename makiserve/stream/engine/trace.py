"""Tracing: applying a pipeline to a symbolic Observable shows which operators it consists of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.rx_bridge import RxSubscription, current_capture, rx_operator
from makiserve.stream.engine.subscription import Subscription
from makiserve.stream.reactive import BaseObservable, Disposable, Observer, Scheduler, compose, is_observable, rx

Transform = Callable[[rx.Observable], rx.Observable]
Pipeline = Transform | Sequence[Transform]
"""What an operator takes as a pipeline: a function of an Observable, such as `rx.pipe(…)`, or a list of operators."""


class Traced(BaseObservable):
    """An Observable that knows its operators.

    With an origin it is an ordinary cold Observable: each subscription compiles all operators together and has its own
    state. Without an origin it is symbolic: a placeholder for the stream that a pipeline will be given.
    """

    __iter__: ClassVar[None] = None  # rx's Observables can be indexed, so that iterating over one would never end

    def __init__(self, origin: rx.Observable | None, operators: tuple[Operator, ...] = ()) -> None:
        super().__init__()
        self.origin = origin
        self.operators = operators

    def _subscribe_core(self, observer: Observer, scheduler: Scheduler | None = None) -> Disposable:
        if capture := current_capture():
            return capture.add(self, observer)
        if self.origin is None:
            raise PipelineError("a symbolic stream was subscribed to: a pipeline must not subscribe while it is built")
        return Subscription(Plan(self.operators), observer).subscribe(self.origin, scheduler)


def operator(node: Operator) -> Transform:
    """Return the function from Observable to Observable that an operator of this vocabulary returns.

    Raises:
        PipelineError: a parameter that must be callable is not a function.
    """
    for field in fields(node):
        value, kind = getattr(node, field.name), str(field.type)
        if is_observable(value) and kind.startswith("Callable["):
            raise PipelineError(f"{node.name} is an operator factory and must be called: {node.name}(…)")
        if kind.startswith("Callable[") and not callable(value) and not (value is None and kind.endswith("| None")):
            raise PipelineError(
                f"{node.name}: {field.name} must be a function, such as `lambda i: i.temperature`, not {value!r:.80}"
            )

    def apply(source: rx.Observable) -> rx.Observable:
        if isinstance(source, Traced):
            return Traced(source.origin, (*source.operators, node))
        if not hasattr(source, "subscribe"):
            raise PipelineError(
                f"{node.name} was applied to {type(source).__name__} instead of a stream. Compose operators with "
                "rx.pipe(…) or reactivex.compose(…); reactivex.pipe(…) takes a stream as its first argument"
            )
        return Traced(source, (node,))

    apply.__name__ = apply.__qualname__ = node.name
    return apply


def trace(pipeline: Pipeline | None) -> Plan:
    """Return the plan of a pipeline; None is a pipeline without operators.

    Raises:
        PipelineError: it is not a pipeline, or it contains an operator outside this vocabulary.
    """
    if pipeline is None:
        return Plan()
    transform = compose(*pipeline) if isinstance(pipeline, Sequence) else pipeline
    if not callable(transform):
        raise PipelineError(
            f"expected a pipeline, such as rx.pipe(…) or a list of operators, not {type(pipeline).__name__}"
        )
    result = transform(Traced(None))
    if not is_observable(result):
        raise PipelineError(
            f"a pipeline must return an Observable, but this one returned {type(result).__name__}: is it a "
            "factory that should have been called?"
        )
    return Plan(_operators(result))


def trace_factory(factory: Any, argument: str = "features") -> Plan:
    """Return the plan of a factory's pipeline; a factory is a function without arguments that returns `rx.pipe(…)`.

    Args:
        factory: the user's argument.
        argument: the name of that argument, for errors.

    Raises:
        PipelineError: it is not such a function, or it does not return a pipeline.
    """
    check_factory(factory, argument)
    pipeline = factory()
    name = f"{getattr(factory, '__qualname__', argument)}(){_defined_at(factory)}"
    if pipeline is None:
        raise PipelineError(f"{name} returned None instead of a pipeline: is its `return` missing?")
    try:
        return trace(pipeline)
    except TypeError as error:
        raise PipelineError(f"{name} did not return a pipeline: {error}") from error


def check_factory(factory: Any, argument: str) -> None:
    """Raise if this is not a function without arguments.

    Raises:
        PipelineError: it is not.
    """
    if not callable(factory):
        raise PipelineError(
            f"{argument} must be a function that returns a pipeline, such as rx.pipe(…), not {type(factory).__name__}"
        )
    try:
        signature(factory).bind()
    except TypeError as error:
        raise PipelineError(
            f"{argument} must be a function without arguments: {error}. Pass the function itself, as in "
            f"{argument}=features, not the pipeline that it returns, as in {argument}=features()"
        ) from error


def _defined_at(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return f" at {Path(code.co_filename).name}:{code.co_firstlineno}" if code else ""


def _operators(stream: rx.Observable) -> tuple[Operator, ...]:
    """Return the operators between the symbolic stream and this one."""
    if isinstance(stream, Traced):
        before = () if stream.origin is None else _operators(stream.origin)
        return (*before, *stream.operators)
    node = rx_operator(stream)
    sources = RxSubscription(stream).sources
    if len(sources) != 1:
        source = "several streams" if sources else "a stream that is not the pipeline's"
        raise PipelineError(f"{node} takes its items from {source}. To join branches of one stream, use ops.tee_map")
    return (*_operators(sources[0]), node)
