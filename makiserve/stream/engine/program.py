"""The program: a compiled plan that feeds batches of items through the state of a lane."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from makiserve.errors import OperatorError, message_of
from makiserve.stream.engine.build import build, write_emit, write_nothing
from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.journal import Journal, consequences
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage, State


class FeedResult(NamedTuple):
    """The result of a batch of items.

    Attributes:
        outputs: the emitted items, in order.
        causes: for each output, the index in the batch of the item that caused it; never decreasing.
        failures: index and error of each item on which a function of the user raised; its changes of state are undone.
    """

    outputs: Sequence[Any]
    causes: list[int]
    failures: list[tuple[int, OperatorError]]


class Program:
    """A plan compiled to functions. One program serves any number of states, one at a time, in one thread.

    Args:
        plan: the plan to compile.
        is_tracked: whether states record which keys were used, for checkpoints that leave the others out.
        is_window: whether the plan is the pipeline of a window of time, for measurements.
    """

    def __init__(self, plan: Plan, *, is_tracked: bool = False, is_window: bool = False) -> None:
        self.plan = plan
        self.scope = Scope(Journal(), is_tracked=is_tracked, is_window=is_window)
        self._out: list[Any] = []
        code = Code()
        code.holding_back = sum(operator.holds_back for operator in plan.walk())
        code.globals |= {"emit": self._out.append, "out": self._out, "journal": self.scope.journal}
        last = Stage(write_emit, write_emit, write_nothing, raises=False)
        self._stage = build(plan, last, self.scope)
        feed = code.function("feed", self.scope, lambda _: self._write_feed(code), "items, state, causes, fail")
        complete = code.function("complete", self.scope, lambda _: self._stage.complete(code), "state")
        self._compiled = code.compile()
        self._feed, self._complete = self._compiled[feed], self._compiled[complete]

    @property
    def text(self) -> str:
        """The generated code."""
        return self._compiled.text

    def new_state(self) -> State:
        """Return the state of a lane that has not seen any items."""
        return self.scope.new()

    def feed(self, items: Iterable[Any], state: State) -> FeedResult:
        """Push items in order. An item that fails leaves no trace in `state` and is reported."""
        causes: list[int] = []
        failures: list[tuple[int, OperatorError]] = []

        def fail(index: int, error: BaseException) -> None:
            self.scope.journal.roll_back()
            failures.append((index, self._operator_error(error)))

        self._feed(items, state, causes, fail)
        outputs = self._out.copy()
        self._out.clear()
        return FeedResult(outputs, causes, failures)

    def complete(self, state: State) -> list[Any]:
        """Complete a finite stream: open windows and reductions emit their results. A lane never completes."""
        try:
            self._complete(state)
            return self._out.copy()
        finally:
            self._out.clear()
            self.scope.journal.settle()

    def _write_feed(self, code: Code) -> None:
        code.line("count = 0")
        with code.block("for index, item in enumerate(items):"):
            self.scope.write_enter(code, "state")
            with code.block("try:"), code.deferring():
                self._stage.push(code, "item")
            with code.block("except KeyboardInterrupt:"):
                code.line("raise")
            with code.block("except BaseException as error:"):
                code.line("del out[count:]")
                code.line("fail(index, error)")
            with code.block("else:"):
                # only a caught error can have removed a window of a record that did not fail
                if any(isinstance(operator, Catch) for operator in self.plan.walk()):
                    code.line("journal.settle()")
                else:
                    with code.block("if journal:"):
                        code.line("journal.clear()")
                with code.block("if len(out) != count:"):
                    code.line("causes += [index] * (len(out) - count)")
                    code.line("count = len(out)")

    def _operator_error(self, error: BaseException) -> OperatorError:
        operator, item = self._compiled.locate(error)
        line = self._compiled.user_line(error)
        at = f" ({line})" if line else ""
        failed = self.scope.journal.take_failed(error)
        message = f"{operator}: {type(error).__name__}: {message_of(error)}{at}{consequences(failed)}"
        located = OperatorError(message, operator=operator, item=item, has_trace=bool(failed))
        located.__cause__ = error
        return located
