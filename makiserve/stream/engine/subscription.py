"""One subscription to a traced Observable: each item of its source passes through compiled operators."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from makiserve.stream.engine.build import build, write_emit, write_nothing
from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.journal import Journal
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage
from makiserve.stream.reactive import CompositeDisposable, Disposable, Observer, Scheduler, rx


class SubscriberError(BaseException):
    """Carries a subscriber's error through the operators, so that they do not handle it as one of theirs."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Subscription:
    """Feeds a plan from an Observable, in the Rx contract.

    An operator's error ends the stream; a subscriber's error is raised to the source. A subscriber may push into the
    source while a notification is being processed: the new notification waits until the current one has changed its
    state. Nothing is emitted after disposal.
    """

    def __init__(self, plan: Plan, observer: Observer) -> None:
        self._plan, self._observer = plan, observer
        scope, code = Scope(Journal()), Code()
        code.globals |= {"emit": self._emit, "journal": scope.journal}
        stage = build(plan, Stage(write_emit, write_emit, write_nothing, raises=False), scope)
        push = code.function("push", scope, lambda item: stage.push(code, item))
        complete = code.function("complete", scope, lambda _: stage.complete(code), "state")
        compiled = code.compile()
        self._push, self._complete = compiled[push], compiled[complete]
        self._state, self._journal = scope.new(), scope.journal
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_busy = self._has_ended = False

    def subscribe(self, source: rx.Observable, scheduler: Scheduler | None) -> Disposable:
        """Subscribe to the source and return the subscription, to dispose of."""
        subscription = source.subscribe(
            lambda item: self._enqueue(lambda: self._next(item)),
            lambda error: self._enqueue(lambda: self._source_failed(error)),
            lambda: self._enqueue(self._end),
            scheduler=scheduler,
        )
        return CompositeDisposable(subscription, Disposable(self._stop))

    def _enqueue(self, step: Callable[[], None]) -> None:
        self._waiting.append(step)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._waiting and not self._has_ended:
                self._waiting.popleft()()
        except SubscriberError as raised:
            self._stop()
            raise raised.error from raised.error.__cause__
        finally:
            self._is_busy = False
            self._waiting.clear()

    def _next(self, item: Any) -> None:
        try:
            self._push(item, self._state)
        except Exception as error:  # noqa: BLE001  the Rx contract: any error of an operator ends the stream
            self._fail(error)
        self._journal.settle()

    def _end(self) -> None:
        try:
            self._complete(self._state)
        except Exception as error:  # noqa: BLE001  the Rx contract, as above
            self._fail(error)
        else:
            self._end_catches(None)
            self._stop()
            self._observer.on_completed()

    def _source_failed(self, error: Exception) -> None:
        self._end_catches(error)
        self._fail(error)

    def _end_catches(self, error: Exception | None) -> None:
        for node in self._plan.walk():
            if isinstance(node, Catch):
                node.end(error)

    def _fail(self, error: Exception) -> None:
        self._stop()
        self._observer.on_error(error)

    def _emit(self, item: Any) -> None:
        try:
            self._observer.on_next(item)
        except Exception as error:
            raise SubscriberError(error) from error

    def _stop(self) -> None:
        self._has_ended = True
