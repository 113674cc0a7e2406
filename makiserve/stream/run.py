"""`run`: wait for an Observable and return its last item."""

from __future__ import annotations

from threading import Event
from typing import Any

from makiserve.stream.reactive import CurrentThreadScheduler, rx


def run(pipe: rx.Observable) -> Any:
    """Subscribe to an Observable and wait until it has ended.

    ```
    --1--2--3--|
      run
    3
    ```

    Args:
        pipe: an Observable that completes.

    Returns:
        Its last item; None if it had none.

    Raises:
        Exception: the error that it ended with.

    >>> import rx, makiserve.stream as rs
    >>> rs.run(rx.from_([1, 2, 3]).pipe(rs.math.sum(reduce=True)))
    6
    """
    ended = Event()
    last: list[Any] = [None]
    errors: list[Exception] = []

    def on_next(item: Any) -> None:
        last[0] = item

    def on_error(error: Exception) -> None:
        errors.append(error)
        ended.set()

    # in this thread if the source allows it, so that a debugger and Ctrl+C reach the running code
    scheduler = CurrentThreadScheduler.singleton()
    if not scheduler.schedule_required():  # called while an Observable emits, whose turn has to end first
        scheduler = CurrentThreadScheduler()
    with pipe.subscribe(on_next, on_error, ended.set, scheduler=scheduler):
        ended.wait()
    if errors:
        raise errors[0]
    return last[0]
