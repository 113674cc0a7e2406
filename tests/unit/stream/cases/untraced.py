"""Operators that cannot be in a traced pipeline, and why: the contract suite only runs their examples."""

from __future__ import annotations

UNTRACED = {
    "data.train_test_split": "makes two Observables of one",
    "ops.from_iterable": "a source",
    "ops.from_pandas": "a source",
    "ops.on_subscribe": "acts on the subscription of an Observable",
    "ops.with_latest_from": "joins several Observables",
    "state.MemoryStore": "the name of a store",
    "state.StoreManager": "the name of a store",
}
