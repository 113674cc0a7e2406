"""One call at a time on a thread of its own, that never keeps the process from ending."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from makiserve.errors import MakiserveError

T = TypeVar("T")

SLOW_S = 1.0


class StillRunning(Exception):
    """A call is no longer waited for; its thread goes on with it."""


class Background:
    """A daemon thread that takes calls one after another."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Future[object], Callable[[], object]]] = SimpleQueue()
        Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Make a call when those before it are done; its result, or what it raised, is the future's."""
        future: Future[T] = Future()
        self._jobs.put((future, call))  # type: ignore[arg-type]  # a future takes what its own call returns
        return future

    def run(
        self, call: Callable[[], T], meanwhile: Callable[[], object], is_over: Callable[[], bool] = lambda: False
    ) -> T:
        """Return the result of a call; every second that it takes, `meanwhile` is called on this thread.

        Args:
            call: what the thread is to do.
            meanwhile: must not take long.
            is_over: whether to wait no longer; asked as often.

        Raises:
            MakiserveError: what `meanwhile` raised first, when the call is done.
            StillRunning: the call is not done, and is waited for no longer.
        """
        future, trouble = self.submit(call), None
        while not wait([future], SLOW_S).done:
            try:
                meanwhile()
            except MakiserveError as error:
                trouble = trouble or error
            if is_over():
                raise StillRunning
        if trouble is not None:
            raise trouble
        return future.result()

    def _work(self) -> None:
        while True:
            future, call = self._jobs.get()
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  the outermost place of this thread: the caller gets it
                future.set_exception(error)
            del future, call  # or the last result would live until the next call
