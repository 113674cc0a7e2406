"""`ops.with_latest_from`: each item with the latest ones of other Observables."""

from __future__ import annotations

from typing import Any

import rx
from rx.core.typing import Observer, Scheduler
from rx.disposable import CompositeDisposable, Disposable

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import subscribed_only


def with_latest_from(*sources: rx.Observable) -> Transform:
    """Pairs each item with the latest item of every other source.

    ```
    source  ------1------2------3----|
    other   --a------b--------c------|
      with_latest_from(other)
    --------(1,a)--(2,b)----(3,c)----|
    ```

    The source is subscribed to when all others have emitted, so that a cold one loses no item. Where one of them
    completes before it has emitted, so does the result (RxSci waits for ever).

    Args:
        sources: the other Observables, at least one.

    *Emits* `(item, latest of the first, latest of the second, …)` for each item. *State* one item a source. It runs on
    an Observable only: a record's features may not depend on what else arrived when.

    Raises:
        PipelineError: no source is given; or it stands in a pipeline that is traced.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2]).pipe(rs.ops.with_latest_from(rx.of("a"))).subscribe(print).dispose()
    (1, 'a')
    (2, 'a')
    """
    if not sources:
        raise PipelineError("with_latest_from needs at least one source")

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.create(lambda observer, scheduler: _subscribe(source, sources, observer, scheduler))

    return subscribed_only("with_latest_from", "a lane has one source, its records", apply)


def _subscribe(
    source: rx.Observable, others: tuple[rx.Observable, ...], observer: Observer, scheduler: Scheduler | None
) -> Disposable:
    latest: list[Any] = [None] * len(others)
    missing = set(range(len(others)))
    subscriptions = CompositeDisposable()

    def watch(index: int, other: rx.Observable) -> None:
        def on_next(item: Any) -> None:
            latest[index] = item
            if index in missing:
                missing.discard(index)
                if not missing:
                    begin()

        def on_completed() -> None:
            if index in missing:
                observer.on_completed()

        subscriptions.add(other.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler))

    def begin() -> None:
        def on_next(item: Any) -> None:
            observer.on_next((item, *latest))

        subscriptions.add(source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler))

    for index, other in enumerate(others):
        watch(index, other)
    return subscriptions
