"""`state.with_store`: RxSci's way to name the store that a pipeline's state is kept in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Pipeline, Transform
from makiserve.stream.state.with_memory_store import with_memory_store


class MemoryStore:
    """The name of the one store there is: memory.

    >>> import makiserve.stream as rs
    >>> rs.state.StoreManager().store_factory is rs.state.MemoryStore
    True
    """


@dataclass(frozen=True)
class StoreManager:
    """What `with_store` is given: the kind of the store.

    >>> import makiserve.stream as rs
    >>> rs.state.StoreManager(store_factory=rs.state.MemoryStore) == rs.state.StoreManager()
    True
    """

    store_factory: Callable[..., Any] = MemoryStore


def with_store(store: StoreManager, pipeline: Pipeline) -> Transform:
    """Runs `pipeline` over state in memory: `with_memory_store`, for pipelines that name their store.

    Args:
        store: `StoreManager(store_factory=MemoryStore)`. State lives in the engine's slots, which makiserve itself
            saves and restores: no other store would be asked.
        pipeline: what to run.

    *Emits* what the pipeline emits. *State* none of its own.

    Raises:
        PipelineError: the store is another one.

    >>> import rx, makiserve.stream as rs
    >>> store = rs.state.StoreManager(store_factory=rs.state.MemoryStore)
    >>> rx.from_([1, 2, 3]).pipe(rs.state.with_store(store, [rs.math.sum(reduce=True)])).run()
    6
    """
    if not isinstance(store, StoreManager) or store.store_factory is not MemoryStore:
        raise PipelineError("with_store: the store is StoreManager(store_factory=MemoryStore); there is no other")
    return with_memory_store(pipeline)
