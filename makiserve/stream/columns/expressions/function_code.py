"""What a function's code does: nothing that must happen once for each item, and which names it reads."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

from makiserve.stream.columns.expressions.nodes import Untraceable

REFUSED = {
    "STORE_GLOBAL": "it assigns a global variable",
    "DELETE_GLOBAL": "it deletes a global variable",
    "STORE_ATTR": "it assigns an attribute",
    "DELETE_ATTR": "it deletes an attribute",
    "STORE_SUBSCR": "it assigns an element of a container",
    "STORE_SLICE": "it assigns an element of a container",
    "DELETE_SUBSCR": "it deletes an element of a container",
    "IMPORT_NAME": "it imports a module",
    "LOAD_NAME": "it runs the code of a class or module",
    "LOAD_BUILD_CLASS": "it defines a class",
    "SETUP_FINALLY": "it catches exceptions",
    "PUSH_EXC_INFO": "it catches exceptions",
    "SETUP_WITH": "it uses a with statement",
    "BEFORE_WITH": "it uses a with statement",
    "MATCH_CLASS": "it matches patterns",
    "MATCH_MAPPING": "it matches patterns",
    "MATCH_SEQUENCE": "it matches patterns",
    "MATCH_KEYS": "it matches patterns",
}
NAMED = frozenset({"LOAD_CONST", "LOAD_GLOBAL", "LOAD_DEREF", "LOAD_ATTR"})
"""The instructions that load a container that exists before the call."""

_GENERATOR = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a function's code.

    Attributes:
        names: the global names that it reads, each with the dotted name that it reads them by.
        tests_none: whether it compares with None by `is`.
    """

    names: dict[str, str]
    tests_none: bool


def inspect_code(code: CodeType) -> Facts:
    """Return what a function reads.

    Raises:
        Untraceable: it has an effect other than its result, or it uses what tracing cannot see.
    """
    names: dict[str, str] = {}
    tests_none = False
    for part in _parts(code):
        _refuse_flags(part, nested=part is not code)
        previous: dis.Instruction | None = None
        dotted: str | None = None
        for instruction in dis.get_instructions(part):
            _refuse(instruction, previous, part)
            tests_none |= _tests_identity(instruction, previous)
            tests_none |= instruction.opname.endswith(("_IF_NONE", "_IF_NOT_NONE"))
            if instruction.opname == "LOAD_GLOBAL":
                dotted = instruction.argval
                names.setdefault(instruction.argval, instruction.argval)
            elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and dotted is not None:
                root = dotted.partition(".")[0]
                dotted = f"{dotted}.{instruction.argval}"
                names[root] = max(names[root], dotted, key=len)
            elif instruction.opname not in ("CACHE", "EXTENDED_ARG"):
                dotted = None
            if instruction.opname not in ("CACHE", "EXTENDED_ARG"):
                previous = instruction
    return Facts(names, tests_none)


def _parts(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of the function and of those that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _refuse_flags(code: CodeType, nested: bool) -> None:
    if code.co_flags & _GENERATOR and not (nested and code.co_name == "<genexpr>"):
        raise Untraceable("it is a generator or a coroutine")


def _refuse(instruction: dis.Instruction, previous: dis.Instruction | None, code: CodeType) -> None:
    name = instruction.opname
    if name in REFUSED:
        raise Untraceable(REFUSED[name])
    if name in ("STORE_DEREF", "DELETE_DEREF") and instruction.argval in code.co_freevars:
        raise Untraceable(f"it assigns the variable {instruction.argval} of an enclosing function")
    if name in ("LOAD_ATTR", "LOAD_METHOD") and str(instruction.argval).startswith("__"):
        raise Untraceable(f"it reads {instruction.argval}")
    if name == "CONTAINS_OP" and (previous is None or previous.opname not in NAMED):
        raise Untraceable("it looks for a value in a container that it builds, where an object equals itself")
    is_after_none = previous is not None and previous.opname == "LOAD_CONST" and previous.argval is None
    if _tests_identity(instruction, previous) and not is_after_none:
        raise Untraceable("it tests identity with something other than None")


def _tests_identity(instruction: dis.Instruction, previous: dis.Instruction | None) -> bool:
    """Return whether the function compares by `is`. From Python 3.14 on, `all(…)` compiles to such a test of `all`."""
    is_of_compiler = previous is not None and previous.opname == "LOAD_COMMON_CONSTANT"
    return instruction.opname == "IS_OP" and not is_of_compiler
