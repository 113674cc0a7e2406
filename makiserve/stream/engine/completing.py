"""Completions in generated code: what cannot complete is removed, so that it does not fail again at each record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from makiserve.stream.engine.code import Code


@contextmanager
def completing(
    code: Code, kind: str, name: str, remove: Callable[..., None], *arguments: str, is_last_chance: str = "True"
) -> Iterator[None]:
    """Write that a window or a group completes; if the code that is written inside fails, it is removed.

    Args:
        code: the program.
        kind: what it is.
        name: the expression for what a message calls it.
        remove: removes it, with `arguments`, if it is still there.
        arguments: the expressions for the arguments of `remove`.
        is_last_chance: the expression for whether `remove` removes it; otherwise `remove` notes that it has failed.
    """
    given = f"({', '.join(arguments)},)" if arguments else "()"
    completion = f"Completion({kind!r}, {name}, {is_last_chance}, {code.constant(remove, 'remove')}, {given})"
    outer = ""
    if code.holds_back:
        outer = code.let("outer", "journal.origin")
        completion = code.let("completion", completion)
        code.line(f"journal.origin = ({completion},)")
    with _blaming(code, completion, outer):
        yield


@contextmanager
def passing_on(code: Code, origin: str) -> Iterator[None]:
    """Write that output is passed on that was held back; if the code that is written inside fails, its origin has.

    Args:
        code: the program.
        origin: the variable of the completions and held items that the output comes from.
    """
    outer = ""
    with code.behind():
        if code.holds_back:
            outer = code.let("outer", "journal.origin")
            with code.block(f"if {origin}:"):
                code.line(f"journal.origin = {origin}")
        with _blaming(code, f"*{origin}", outer):
            yield


@contextmanager
def _blaming(code: Code, causes: str, outer: str) -> Iterator[None]:
    """Write a `try` statement around the code that is written inside: if that fails, it notes what may be the cause.

    Args:
        code: the program.
        causes: the expressions for what may be the cause.
        outer: the variable of the origin that is valid afterwards; empty if the origin has not changed.
    """
    error = code.name("error")
    with code.block("try:"), code.apart():
        code.line("pass")
        yield
    with code.block(f"except BaseException as {error}:"):
        if outer:
            code.line(f"journal.origin = {outer}")
        code.line(f"journal.fail_all({error}, {causes})")
        code.line("raise")
    if outer:
        code.line(f"journal.origin = {outer}")


@contextmanager
def calling(code: Code) -> Iterator[None]:
    """Write a call of code that may hold output back: the function knows the held items that its item comes from."""
    if not (code.holds_back and code.holding):
        yield
        return
    outer = code.let("outer", "journal.origin")
    code.line(f"journal.origin = {code.origin}")
    with code.block("try:"):
        yield
    with code.block("finally:"):
        code.line(f"journal.origin = {outer}")
