"""Catching: the operators that handle the errors of those before them in their pipeline."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.completing import passing_on
from makiserve.stream.engine.journal import Origin
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage


@dataclass(frozen=True, eq=False)
class Catch(Operator):
    """Handles the errors that the operators before it raise on an item; their state is then as before the item.

    Their output is held back until the item has passed through all of them, so that an error of a later operator is
    not caught here. If that error comes from the result of a window or a group, this is what fails to complete.
    """

    traits = Traits(raises=False, stateless=True)

    @property
    def fans_out(self) -> bool:
        return True

    @property
    def holds_back(self) -> bool:
        return True

    @abstractmethod
    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        """Write the code that handles an error; `keep` writes that an item is passed downstream."""

    def end(self, error: Exception | None) -> None:
        """Act on the end of a subscribed stream: its completion or its source's error."""

    def build(self, then: Stage, scope: Scope) -> Part:
        return self.build_around(lambda nothing: nothing, then, scope)

    def build_around(self, before: Callable[[Stage], Stage], then: Stage, scope: Scope) -> Part:
        """Compile the operators before this one inside a `try`; `before` builds them in front of a stage."""
        passed: list[tuple[Any, Origin]] = []

        def collect(code: Code, item: str) -> None:
            code.line(f"{code.constant(passed, 'passed')}.append(({item}, {code.origin}))")

        upstream = before(Stage(collect, collect, lambda code: None, raises=True, repeats=True))

        def write_tried(code: Code, write: Callable[[], None]) -> None:
            kept = code.constant(passed, "passed")
            mark, outer = code.let("mark", "len(journal)"), code.holds_back and code.let("outer", "journal.origin")
            error, item, origin = code.name("error"), code.name("item"), code.name("origin")
            code.remember(code.state(scope))
            with code.block("try:"):
                code.line("pass")
                write()
            with code.block(f"except Exception as {error}:"):
                if outer:
                    code.line(f"journal.origin = {outer}")
                code.line(f"journal.roll_back({mark})")
                code.line(f"{kept}.clear()")
                self.write_caught(code, error, collect)
            with code.block("except BaseException:"):
                code.line(f"{kept}.clear()")
                code.line("raise")
            ready = code.let("ready", f"{kept}.copy()")
            code.line(f"{kept}.clear()")
            with code.block(f"for {item}, {origin} in {ready}:"), passing_on(code, origin):
                then.push(code, item)

        def push(code: Code, item: str) -> None:
            write_tried(code, lambda: upstream.push(code, item))

        def complete(code: Code) -> None:
            write_tried(code, lambda: upstream.complete(code))
            then.complete(code)

        return Part(push, complete)
