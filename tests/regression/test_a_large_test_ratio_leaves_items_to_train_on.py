"""RxSci rounds 1 / ratio down: 0.7 is taken for 1."""

from __future__ import annotations

import rx

import makiserve.stream as rs


def test_a_large_test_ratio_leaves_items_to_train_on() -> None:
    train, test = rs.data.train_test_split(0.7)(rx.from_(range(10)))
    training_items: list[int] = []
    train.subscribe(training_items.append)
    test.subscribe(lambda _: None)
    assert len(training_items) == 3
