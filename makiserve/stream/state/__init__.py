"""Where a pipeline keeps its state: RxSci's entry points."""

from makiserve.stream.state.with_memory_store import with_memory_store

__all__ = ["with_memory_store"]
