"""The program: a compiled plan that feeds batches of items through the state of a lane."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NamedTuple

from makiserve.errors import OperatorError
from makiserve.stream.engine.build import build, ignore
from makiserve.stream.engine.journal import Journal
from makiserve.stream.engine.operator import Stage, State
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope


class Fed(NamedTuple):
    """What a batch of items became.

    Attributes:
        outputs: the emitted items, in order.
        causes: for each output, the index in the batch of the item that caused it; never decreasing.
        failures: index and error of each item on which a function of the user raised; state is as if it never came.
    """

    outputs: list[Any]
    causes: list[int]
    failures: list[tuple[int, OperatorError]]


class Program:
    """A plan compiled to push functions. One program serves any number of states, one at a time, in one thread."""

    def __init__(self, plan: Plan, *, locating: bool = False) -> None:
        self.plan = plan
        self.journal = Journal()
        self.scope = Scope(self.journal, locating=locating)
        self.out: list[Any] = []
        append = self.out.append
        self.stage = build(plan, Stage(lambda item, state: append(item), ignore, raises=False), self.scope)

    def new_state(self) -> State:
        """The state of a lane that has seen nothing."""
        return self.scope.new()

    def feed(self, items: Iterable[Any], state: State) -> Fed:
        """Push items in order. An item that fails leaves no trace in `state` and is reported."""
        push, out, journal = self.stage.push, self.out, self.journal
        enter = journal.enter if self.scope.guarded else None
        causes: list[int] = []
        failures: list[tuple[int, OperatorError]] = []
        count = 0
        for index, item in enumerate(items):
            if enter:
                enter(state)
            try:
                push(item, state)
            except Exception as error:  # noqa: BLE001  whatever the user's code raises belongs to the record
                del out[count:]
                journal.roll_back()
                failures.append((index, self._located(item, state, error)))
                continue
            if journal:
                journal.clear()
            if len(out) != count:
                causes += [index] * (len(out) - count)
                count = len(out)
        outputs = out.copy()
        out.clear()
        return Fed(outputs, causes, failures)

    def complete(self, state: State) -> list[Any]:
        """End a finite stream: open windows and reductions emit what they hold. A lane never completes."""
        try:
            self.stage.complete(state)
            return self.out.copy()
        finally:
            self.out.clear()
            self.journal.clear()

    @cached_property
    def _locator(self) -> Program:
        return Program(self.plan, locating=True)

    def _located(self, item: Any, state: State, error: Exception) -> OperatorError:
        """Run a failed item once more, in the program that names the operator, and take it back again."""
        if isinstance(error, OperatorError):
            return error
        locator = self._locator
        locator.journal.enter(state)
        try:
            locator.stage.push(item, state)
        except OperatorError as located:
            return located
        finally:
            locator.journal.roll_back()
            locator.out.clear()
        message = f"{type(error).__name__}: {error} (it did not fail a second time: a function is not deterministic)"
        return OperatorError(message, operator="unknown", item=item).with_traceback(error.__traceback__)
