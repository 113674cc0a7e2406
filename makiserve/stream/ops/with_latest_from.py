"""`ops.with_latest_from`: each item with the latest ones of other Observables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Traced, Transform
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import CompositeDisposable, Disposable, Observer, Scheduler, Subject, is_observable, rx


def with_latest_from(*sources: rx.Observable) -> Transform:
    """Pair each item with the latest item of every other source.

    ```
    source  ------1------2------3----|
    other   --a------b--------c------|
      with_latest_from(other)
    --------(1,a)--(2,b)----(3,c)----|
    ```

    A cold source is subscribed to when all others have emitted, so that it loses no item. A hot one, a Subject or an
    Observable made only of Subjects, is subscribed to at once. Items that it emits before all others have emitted are
    dropped, as in ReactiveX, but its error or completion is not. If one of the others completes before it has emitted,
    so does the result (RxSci waits forever).

    Args:
        sources: the other Observables, at least one.

    *Emits* `(item, latest of the first, latest of the second, …)` for each item. *State* one item a source. It runs
    only on an Observable: a record's features must not depend on when items of other streams arrived.

    Raises:
        PipelineError: no source is given, or it is applied in a traced pipeline.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2]).pipe(rs.ops.with_latest_from(rx.of("a"))).subscribe(print).dispose()
    (1, 'a')
    (2, 'a')
    """
    if not sources:
        raise PipelineError("with_latest_from needs at least one source")

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.create(lambda observer, scheduler: _Join(source, observer, scheduler).subscribe(sources))

    return subscribed_only("with_latest_from", "a lane has a single source, its records", apply)


class _Join:
    """One subscription to the source and the others."""

    def __init__(self, source: rx.Observable, observer: Observer, scheduler: Scheduler | None) -> None:
        self._source, self._observer, self._scheduler = source, observer, scheduler
        self._subscriptions = CompositeDisposable()
        self._is_hot = _is_hot(source)

    def subscribe(self, others: tuple[rx.Observable, ...]) -> Disposable:
        self._latest: list[Any] = [None] * len(others)
        self._missing = set(range(len(others)))
        for index, other in enumerate(others):
            self._add(other, partial(self._other_next, index), partial(self._other_completed, index))
        if self._is_hot:
            self._add(self._source, self._next, self._observer.on_completed)
        return self._subscriptions

    def _next(self, item: Any) -> None:
        if not self._missing:
            self._observer.on_next((item, *self._latest))

    def _other_next(self, index: int, item: Any) -> None:
        self._latest[index] = item
        if self._missing:
            self._missing.discard(index)
            if not self._missing and not self._is_hot:
                self._add(self._source, self._next, self._observer.on_completed)

    def _other_completed(self, index: int) -> None:
        if index in self._missing:
            self._observer.on_completed()

    def _add(self, stream: rx.Observable, on_next: Callable[[Any], None], on_completed: Callable[[], None]) -> None:
        subscription = stream.subscribe(on_next, self._observer.on_error, on_completed, scheduler=self._scheduler)
        self._subscriptions.add(subscription)


def _is_hot(stream: Any) -> bool:
    """Return whether an Observable is a Subject, or built by operators from Subjects only."""
    if isinstance(stream, Subject):
        return True
    made_of = [stream.origin] if isinstance(stream, Traced) else [*_observables(getattr(stream, "_subscribe", None))]
    return bool(made_of) and all(_is_hot(part) for part in made_of)


def _observables(function: Any) -> Iterator[rx.Observable]:
    """Yield the Observables that a subscribe function of rx holds in its closure."""
    for cell in getattr(function, "__closure__", None) or ():
        if is_observable(cell.cell_contents):
            yield cell.cell_contents
