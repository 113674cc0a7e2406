"""Sinks: Observables that write their source's items to a file, and emit nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import CompositeDisposable, Disposable, Observer, Scheduler, rx

Opening = Callable[[], AbstractContextManager[Callable[[Any], Any]]]
"""Creates a context that gives a function to write an item; the file is complete when the context ends."""

CANNOT_BE_TAKEN_BACK = "a record may be scored again, but what was written to a file cannot be undone"


def sink(name: str, opening: Opening) -> Transform:
    """Return an operator that writes each item and completes when the file is closed.

    The context is entered when the stream is subscribed to. It ends without an error when the stream completes or is
    disposed of, and with the stream's error when the stream fails.

    Raises:
        PipelineError: it is applied in a traced pipeline.
    """

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.create(lambda observer, scheduler: _subscribe(source, opening, observer, scheduler))

    return subscribed_only(name, CANNOT_BE_TAKEN_BACK, apply)


def _subscribe(source: rx.Observable, opening: Opening, observer: Observer, scheduler: Scheduler | None) -> Disposable:
    context = ExitStack()

    def fail(error: Exception) -> None:
        context.__exit__(type(error), error, error.__traceback__)
        observer.on_error(error)

    try:
        write = context.enter_context(opening())
    except Exception as error:  # noqa: BLE001  the Rx contract: any failure ends the stream
        fail(error)
        return Disposable()

    def on_next(item: Any) -> None:
        try:
            write(item)
        except Exception as error:  # noqa: BLE001  the Rx contract, as above
            fail(error)

    def on_completed() -> None:
        try:
            context.close()
        except Exception as error:  # noqa: BLE001  the Rx contract, as above
            observer.on_error(error)
        else:
            observer.on_completed()

    subscription = source.subscribe(on_next, fail, on_completed, scheduler=scheduler)
    return CompositeDisposable(subscription, Disposable(context.close))
