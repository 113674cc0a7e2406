"""RxSci's with_latest_from waits for ever for a source that has completed without an item."""

from __future__ import annotations

import rx

import makiserve.stream as rs


def test_a_source_that_completes_empty_ends_the_join() -> None:
    done: list[bool] = []
    joined = rx.from_([1, 2]).pipe(rs.ops.with_latest_from(rx.of("a"), rx.empty()))
    joined.subscribe(on_completed=lambda: done.append(True))
    assert done == [True]
