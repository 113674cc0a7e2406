"""Run one call at a time on a daemon thread, which never keeps the process from ending."""

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
    """The wait for a call was given up; its thread is still running it."""


class Background:
    """A daemon thread that runs calls one after another."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Future[object], Callable[[], object]]] = SimpleQueue()
        Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue a call; return a future with its result or its exception."""
        future: Future[T] = Future()
        self._jobs.put((future, call))  # type: ignore[arg-type]  # a future takes what its own call returns
        return future

    def run(
        self, call: Callable[[], T], meanwhile: Callable[[], object], is_over: Callable[[], bool] = lambda: False
    ) -> T:
        """Return the result of a call; while it runs, call `meanwhile` on this thread every second.

        Args:
            call: the call to run on the background thread.
            meanwhile: must not take long.
            is_over: whether to give up the wait; called every second, too.

        Raises:
            MakiserveError: the first error of `meanwhile`, raised when the call is done.
            StillRunning: the wait was given up before the call was done.
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
            except BaseException as error:  # noqa: BLE001  the outermost place of this thread: the future passes it on
                future.set_exception(error)
            del future, call  # otherwise the last result would live until the next call
