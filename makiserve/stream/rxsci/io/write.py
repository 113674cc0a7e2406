"""Sinks: `io.write`, and Observables that write their source's items to a file and emit nothing."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.observable import subscribed_only
from makiserve.stream.reactive import CompositeDisposable, Disposable, Observer, Scheduler, library_of, rx
from makiserve.stream.rxsci.io.opened import File, Open, opened

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


def encoded(encoding: str) -> Transform:
    """Return the operator that encodes consecutive texts of one file, with a single byte order mark."""

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.defer(
            lambda _: source.pipe(library_of(source).operators.map(codecs.getincrementalencoder(encoding)().encode))
        )

    return apply


def write(file: File, mode: str | None = None, encoding: str | None = None, open_obj: Open = open) -> Transform:
    """Write each item to a file.

    ```
    --ab--cd--|
      write("file")
    ----------|
    ```

    Args:
        file: a path, or an open file, which is left open.
        mode: "wb" for bytes, "w" for text; None takes bytes, or text if an encoding is given.
        encoding: the encoding of the text; None is UTF-8.
        open_obj: the function that opens the path: `gzip.open`, for instance.

    *Emits* nothing; completes when the file is closed. *State* an open file: it does not run in a lane. *Raises*, as
    the stream's error, what opening and writing raise.

    Raises:
        PipelineError: it is applied in a traced pipeline.

    >>> import io, rx, makiserve.stream as rs
    >>> file = io.StringIO()
    >>> rx.from_(["ab", "cd"]).pipe(rs.io.write(file)).subscribe().dispose()
    >>> file.getvalue()
    'abcd'
    """

    @contextmanager
    def opening() -> Iterator[Callable[[Any], Any]]:
        with opened(file, mode or ("w" if encoding else "wb"), encoding, open_obj) as content:
            yield content.write

    return sink("io.write", opening)
