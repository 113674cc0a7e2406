"""RxSci's store belongs to the pipeline object: two live sources that go through the same object share their state."""

from __future__ import annotations

import rx
from rx.subject import Subject

import makiserve.stream as rs


def test_subscriptions_have_separate_state() -> None:
    counting = rs.state.with_memory_store(rx.pipe(rs.math.sum()))
    first, second = Subject(), Subject()
    sums: list[int] = []
    first.pipe(counting).subscribe(sums.append)
    second.pipe(counting).subscribe(sums.append)
    first.on_next(1)
    second.on_next(2)
    first.on_next(3)
    assert sums == [1, 2, 4]


def test_subscriptions_of_one_observable_have_separate_state() -> None:
    total = rx.from_([1, 2]).pipe(rs.state.with_memory_store([rs.math.sum(reduce=True)]))
    assert [rs.run(total), rs.run(total)] == [3, 3]
