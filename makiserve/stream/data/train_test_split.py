"""`data.train_test_split`: split a stream into training and test items."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.arguments import share, whole_number
from makiserve.stream.engine.trace import Traced
from makiserve.stream.reactive import (
    CompositeDisposable,
    Disposable,
    Observer,
    Scheduler,
    SerialDisposable,
    library_of,
    rx,
)


def train_test_split(test_ratio: float, sampling_size: int = 1) -> Callable[[rx.Observable], list[rx.Observable]]:
    """Split a finite stream into training items and test items, the same ones each time.

    ```
    --1--2--3--4--5--6--|
      train_test_split(1/3)
    --1--2-----4--5-----|
    --------3--------6--|
    ```

    Blocks of `sampling_size` items are distributed evenly: with a ratio of 1/4, every fourth block is for testing. Any
    ratio is supported (RxSci rounds 1 / ratio down, so that 0.7 leaves nothing to train on).

    Args:
        test_ratio: the share of test blocks, between 0 and 1.
        sampling_size: the number of consecutive items in a block, at least 1.

    *Emits*: it returns `[train, test]`, two Observables; the source is subscribed once both are. It cannot be part of a
    pipeline, which is one stream. *State* none that is saved.

    Raises:
        PipelineError: a parameter is out of range, or the operator is applied in a pipeline that is being packaged.

    >>> import rx, makiserve.stream as rs
    >>> train, test = rs.data.train_test_split(1 / 3)(rx.from_([1, 2, 3, 4, 5, 6]))
    >>> both = [train.subscribe(lambda i: print("train", i)), test.subscribe(lambda i: print("test", i))]
    train 1
    train 2
    test 3
    train 4
    train 5
    test 6
    """
    sampling_size = whole_number(sampling_size, "train_test_split: sampling_size")
    ratio = Fraction(share(test_ratio, "train_test_split: test_ratio")).limit_denominator(1_000_000)

    def is_test(index: int) -> bool:
        block = index // sampling_size
        return (block + 1) * ratio // 1 > block * ratio // 1

    def apply(source: rx.Observable) -> list[rx.Observable]:
        if isinstance(source, Traced) and source.origin is None:
            raise PipelineError("train_test_split divides a stream into two: split the records before the pipeline")
        dealt = source.pipe(library_of(source).operators.map_indexed(lambda item, index: (is_test(index), item)))
        shared = _connected_by_two(dealt)
        return [
            shared.pipe(
                rx.operators.filter(lambda pair, part=part: pair[0] == part), rx.operators.map(lambda pair: pair[1])
            )
            for part in (False, True)
        ]

    return apply


def _connected_by_two(source: rx.Observable) -> rx.Observable:
    """Return an Observable that subscribes to the source at its second subscriber, until the last one unsubscribes."""
    published: Any = source.pipe(library_of(source).operators.publish())
    connection = SerialDisposable()
    subscribers = 0

    def subscribe(observer: Observer, scheduler: Scheduler | None = None) -> Disposable:
        nonlocal subscribers
        subscription = published.subscribe(observer, scheduler=scheduler)
        subscribers += 1
        if subscribers == 2:
            connection.disposable = published.connect(scheduler)

        def leave() -> None:
            nonlocal subscribers
            subscribers -= 1
            if not subscribers:
                connection.disposable = Disposable()

        return CompositeDisposable(subscription, Disposable(leave))

    return rx.create(subscribe)
