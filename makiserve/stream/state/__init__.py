"""Where a pipeline keeps its state: RxSci's entry points."""

from makiserve.stream.state.stores import MemoryStore, StoreManager, with_memory_store, with_store

__all__ = ["MemoryStore", "StoreManager", "with_memory_store", "with_store"]
