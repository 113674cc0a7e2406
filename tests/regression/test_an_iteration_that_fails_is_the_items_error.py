"""RxSci's flat_map, inside a store, raises an item's iteration error out of the pipeline, past `error.ignore`."""

from __future__ import annotations

from collections.abc import Iterator

import rx

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def broken() -> Iterator[int]:
    yield 1
    raise ValueError("half way")


def test_an_iteration_that_fails_is_the_items_error() -> None:
    pipeline = rx.pipe(rs.ops.flat_map(), rs.error.ignore(), rs.math.sum())
    assert emitted(pipeline, [[1, 2], broken(), 3, [4]]) == [1, 3, 7]
