"""Examples of the operators on state."""

from __future__ import annotations

import makiserve.stream as rs
from tests.unit.stream.cases.case import Cases

CASES: Cases = {
    "state.with_memory_store": [lambda: rs.state.with_memory_store([rs.math.sum()])],
    "state.with_store": [lambda: rs.state.with_store(rs.state.StoreManager(rs.state.MemoryStore), [rs.math.sum()])],
}
