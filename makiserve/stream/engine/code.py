"""Generated code: a plan becomes the text of a few Python functions, which are read like any others in a traceback.

Each operator writes its code in front of the code of the operators after it. One function then processes an item,
at less than half the cost of a chain of calls (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple, Protocol

from makiserve.stream.engine.compiled_functions import CompiledFunctions, Place
from makiserve.stream.engine.journal import Completion, restore


class Nested(Protocol):
    """The part of a scope that code generation needs: its state holds the state of its parent at index 0."""

    @property
    def parent(self) -> Nested | None: ...


class Held(NamedTuple):
    """Held items that may be the cause of a failure.

    Attributes:
        items: the expression for them; if there is no state, for several causes.
        state: the expression for the state that they are in.
    """

    items: str
    state: str = ""

    @property
    def causes(self) -> str:
        """The expressions for what may be the cause, as elements of a tuple."""
        return f"({self.items}, {self.state})" if self.state else f"*{self.items}"


class _Function:
    """A function that is being written."""

    def __init__(self, header: str, states: dict[Nested, str]) -> None:
        self.lines: list[tuple[str, Place | None]] = [(header, None)]
        self.depth, self.tries = 1, 0
        self.holding: list[list[Held]] = []
        self.states = states
        self.deferred: list[list[str] | None] = [None]


class Code:
    """The text of a program. The names that it generates are unique in the program.

    Attributes:
        holding_back: how many operators hold output of the code that is written now back, at most.
        notes: the variables of the lists in which the code that is written now notes the held items that it passes.
    """

    holding_back = 0
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.globals: dict[str, Any] = {"restore": restore, "Completion": Completion}
        self._functions: list[_Function] = []
        self._open: list[_Function] = []
        self._place: Place | None = None
        self._names = count(1)
        self._constants: dict[int, str] = {}

    @property
    def depth(self) -> int:
        """The nesting depth of the block that is being written."""
        return self._open[-1].depth - self._open[-1].tries

    @property
    def holding(self) -> list[list[Held]]:
        """The held items that may be the cause if what is written now fails, by the open `try` statement."""
        return self._open[-1].holding

    @property
    def origin(self) -> str:
        """The expression for what may be the cause if what is emitted now fails later, outside of these statements."""
        held = dict.fromkeys(items.causes for statement in self.holding for items in statement)
        return f"journal.origin + ({', '.join(held)},)" if held else "journal.origin"

    @property
    def holds_back(self) -> bool:
        """Return whether an operator holds output back, so that it must be known what may be the cause if it fails."""
        return self.holding_back > 0

    @contextmanager
    def behind(self) -> Iterator[None]:
        """Let the code that is written inside be behind one of the operators that hold output back."""
        before = self.holding_back
        self.holding_back = before - 1 if before else 0
        yield
        self.holding_back = before

    @contextmanager
    def noting(self, passed: str) -> Iterator[None]:
        """Let the code that is written inside note the held items that it gives to functions, in the list `passed`."""
        before, self.notes = self.notes, (*self.notes, passed)
        yield
        self.notes = before

    def name(self, hint: str) -> str:
        """Return a new name; a dot in the hint, as in `rx.operators`, becomes an underscore."""
        return f"{hint.replace('.', '_')}_{next(self._names)}"

    def constant(self, value: Any, hint: str = "f") -> str:
        """Return the name of a value in the program, such as a function of the user."""
        if id(value) not in self._constants:
            self._constants[id(value)] = name = self.name(hint)
            self.globals[name] = value
        return self._constants[id(value)]

    def line(self, text: str) -> None:
        """Write a line."""
        function = self._open[-1]
        function.lines.append(("    " * function.depth + text, self._place))

    def let(self, hint: str, expression: str) -> str:
        """Write an assignment to a new variable and return the variable's name."""
        name = self.name(hint)
        self.line(f"{name} = {expression}")
        return name

    def remember(self, state: str) -> None:
        """Write that the slots of a state are saved in the journal, so that later writes to them can be undone."""
        self.line(f"journal.append((restore, {state}, {state}[:]))")

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Write `header`, and indent the code that is written inside below it."""
        self.line(header)
        function = self._open[-1]
        function.depth += 1
        function.deferred.append(None)
        yield
        function.deferred.pop()
        function.depth -= 1

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Write `try:`, and indent the code inside. Lines of `later` are still moved to the end of the section."""
        function = self._open[-1]
        self.line("try:")
        function.depth, function.tries = function.depth + 1, function.tries + 1
        self.line("pass")
        yield
        function.depth, function.tries = function.depth - 1, function.tries - 1

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Let what is held outside not be the cause of failures of the code that is written inside."""
        function = self._open[-1]
        before, function.holding = function.holding, []
        yield
        function.holding = before

    def later(self, text: str) -> None:
        """Write a line at the end of the deferring section; at once if there is none or a block has begun since."""
        deferred = self._open[-1].deferred[-1]
        if deferred is None:
            self.line(text)
        else:
            deferred.append(text)

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Move lines written with `later` inside to the end, so that slots change only after nothing can fail."""
        if self._open[-1].deferred[-1] is None:
            with self.settled():
                yield
        else:  # the section that is open already writes them at its end
            yield

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Defer as `deferring` does, but write the lines here, so that the code that follows may read the slots."""
        lines: list[str] = []
        function = self._open[-1]
        function.deferred.append(lines)
        yield
        function.deferred.pop()
        for text in lines:
            self.line(text)

    @contextmanager
    def at(self, place: Place) -> Iterator[None]:
        """Attribute the code that is written inside to an operator."""
        before, self._place = self._place, place
        yield
        self._place = before

    @contextmanager
    def inside(self, scope: Nested, state: str) -> Iterator[None]:
        """Let the code that is written inside find the state of `scope` in the variable `state`."""
        states = self._open[-1].states
        states[scope] = state
        yield
        del states[scope]

    def state(self, scope: Nested) -> str:
        """Return the expression for the state of a scope: a variable, or the path to it from an inner scope's state."""
        states = self._open[-1].states
        if scope in states:
            return states[scope]
        for inner, name in reversed(states.items()):
            way, outer = name, inner
            while outer.parent is not None:
                way, outer = f"{way}[0]", outer.parent
                if outer is scope:
                    return way
        raise KeyError("code is written outside of its scope")

    def function(self, name: str, scope: Nested, write: Callable[[str], None], parameters: str = "item, state") -> str:
        """Write a function whose state is that of `scope`; `write` is given the name of its item."""
        self._open.append(_Function(f"def {name}({parameters}):", {scope: "state"}))
        with self.deferring():
            write("item")
        function = self._open.pop()
        if len(function.lines) == 1:
            function.lines.append(("    pass", None))
        self._functions.append(function)
        return name

    @property
    def text(self) -> str:
        """The text of the program."""
        return "\n".join(line for line, _ in self._lines())

    def compile(self) -> CompiledFunctions:
        """Compile the program and return its functions."""
        return CompiledFunctions(self.text, [place for _, place in self._lines()], self.globals)

    def _lines(self) -> Iterator[tuple[str, Place | None]]:
        for function in self._functions:
            yield from function.lines
            yield "", None
