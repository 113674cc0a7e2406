"""`state.with_memory_store`, `state.with_store`: RxSci's ways to give a pipeline a store for its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Pipeline, Traced, Transform, trace
from makiserve.stream.reactive import rx


def with_memory_store(pipeline: Pipeline) -> Transform:
    """Run `pipeline` over state in memory.

    Operators of this package do not need a store. This is for pipelines written for RxSci, and has no effect when such
    a pipeline is packaged. Each subscription has its own state (in RxSci, two live subscriptions of one pipeline object
    share it). An error that leaves the pipeline ends an Observable, even if an error router follows.

    The pipeline is traced, as a packaged one is.

    *Emits* what the pipeline emits. *State* that of the pipeline.

    Raises:
        PipelineError: the pipeline cannot be traced.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.state.with_memory_store(rx.pipe(rs.math.sum(reduce=True)))).run()
    6
    """
    operators = trace(pipeline).operators

    def apply(source: rx.Observable) -> rx.Observable:
        if isinstance(source, Traced) and source.origin is None:
            return Traced(None, (*source.operators, *operators))
        # A separate origin: an error that leaves the store ends the stream, as in RxSci.
        return Traced(Traced(source, operators))

    return apply


class MemoryStore:
    """The only store: memory.

    >>> import makiserve.stream as rs
    >>> rs.state.StoreManager().store_factory is rs.state.MemoryStore
    True
    """


@dataclass(frozen=True)
class StoreManager:
    """The argument of `with_store`: the kind of the store.

    >>> import makiserve.stream as rs
    >>> rs.state.StoreManager(store_factory=rs.state.MemoryStore) == rs.state.StoreManager()
    True
    """

    store_factory: Callable[..., Any] = MemoryStore


def with_store(store: StoreManager, pipeline: Pipeline) -> Transform:
    """Run `pipeline` over state in memory: `with_memory_store`, for pipelines that name their store.

    Args:
        store: `StoreManager(store_factory=MemoryStore)`. State is in the engine's slots, which makiserve itself
            saves and restores: another store would not be used.
        pipeline: the pipeline to run.

    *Emits* what the pipeline emits. *State* that of the pipeline.

    Raises:
        PipelineError: the store is a different one.

    >>> import rx, makiserve.stream as rs
    >>> store = rs.state.StoreManager(store_factory=rs.state.MemoryStore)
    >>> rx.from_([1, 2, 3]).pipe(rs.state.with_store(store, [rs.math.sum(reduce=True)])).run()
    6
    """
    if not isinstance(store, StoreManager) or store.store_factory is not MemoryStore:
        raise PipelineError(
            "with_store: the store must be StoreManager(store_factory=MemoryStore); no other store is supported"
        )
    return with_memory_store(pipeline)
