"""Where a pipeline keeps its state: RxSci's entry points."""

from makiserve.stream.state.with_memory_store import with_memory_store
from makiserve.stream.state.with_store import MemoryStore, StoreManager, with_store

__all__ = ["MemoryStore", "StoreManager", "with_memory_store", "with_store"]
