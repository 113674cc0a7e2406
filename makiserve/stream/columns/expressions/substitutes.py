"""What a traced function reads instead of its globals: constants, checked helpers, and builtins that take symbols."""

from __future__ import annotations

import builtins
import dataclasses
import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from types import CellType, FunctionType, ModuleType
from typing import Any

from makiserve.stream.columns.expressions.constants import is_constant
from makiserve.stream.columns.expressions.function_code import inspect_code
from makiserve.stream.columns.expressions.nodes import Untraceable
from makiserve.stream.columns.expressions.python_functions import substitute_function
from makiserve.stream.columns.expressions.record_classes import record_fields
from makiserve.stream.columns.expressions.symbols import RecordSymbol, Symbol, parts
from makiserve.stream.columns.expressions.time_classes import time_class
from makiserve.stream.immutable import is_frozen

_MISSING = object()


@dataclass
class Substitutes:
    """The substitutes of one function's globals and closure.

    Attributes:
        tests_none: whether any of the code compares with None by `is`.
    """

    tests_none: bool = False
    _read: list[tuple[Any, str | None, Any]] = dataclasses.field(default_factory=list)
    _made: dict[int, Any] = dataclasses.field(default_factory=dict)

    def holds(self) -> bool:
        """Return whether every global and every variable of a closure still has the value that was traced."""
        return all(_current(source, name) is value for source, name, value in self._read)

    def of(self, value: Any, name: str) -> Any:
        """Return what stands for a value during a trace.

        Raises:
            Untraceable: it may change, or it does what tracing cannot see.
        """
        if is_constant(value):
            return _Members(value) if type(value) is frozenset else value
        made = self._made.get(id(value), _MISSING)
        if made is not _MISSING:
            return made
        made = self._make(value, name)
        self._made[id(value)] = made
        return made

    def _make(self, value: Any, name: str) -> Any:
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, ModuleType):
            return _Module(value, self)
        if isinstance(value, functools.partial):
            keywords = {key: self.of(argument, key) for key, argument in value.keywords.items()}
            arguments = [self.of(argument, name) for argument in value.args]
            return functools.partial(self.of(value.func, name), *arguments, **keywords)
        if isinstance(value, operator.itemgetter | operator.attrgetter):
            return _getter(value)
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == "builtins":
            return value
        known = substitute_function(value) or time_class(value)
        if known is not None:
            return known
        if isinstance(value, type) and record_fields(value) is not None:
            return _constructor(value)
        cls: Any = type(value)
        if is_frozen(cls) and (fields := record_fields(cls)) is not None:
            return RecordSymbol(cls, {field: self.of(getattr(value, field), name) for field in fields})
        raise Untraceable(_refusal(value, name))

    def _function(self, function: FunctionType) -> FunctionType:
        """Return a copy of a function that reads substitutes."""
        facts = inspect_code(function.__code__)
        self.tests_none |= facts.tests_none
        cells = tuple(CellType() for _ in function.__closure__ or ())
        namespace: dict[str, Any] = {"__builtins__": {}}
        code = function.__code__
        constants = tuple(_Members(value) if type(value) is frozenset else value for value in code.co_consts)
        copy = FunctionType(code.replace(co_consts=constants), namespace, function.__name__, None, cells or None)
        self._made[id(function)] = copy  # before its names: it may call itself
        for name, dotted in facts.names.items():
            value = self._global(function, name)
            if value is not _MISSING:
                namespace[name] = self.of(value, dotted)
        for name, cell, original in zip(function.__code__.co_freevars, cells, function.__closure__ or (), strict=True):
            cell.cell_contents = self.of(self._remember(original, None), name)
        copy.__defaults__ = tuple(self.of(value, "a default value") for value in function.__defaults__ or ()) or None
        keywords = {name: self.of(value, name) for name, value in (function.__kwdefaults__ or {}).items()}
        copy.__kwdefaults__ = keywords or None
        return copy

    def _global(self, function: FunctionType, name: str) -> Any:
        value = self._remember(function.__globals__, name)
        return vars(builtins).get(name, _MISSING) if value is _MISSING else value

    def _remember(self, source: Any, name: str | None) -> Any:
        value = _current(source, name)
        self._read.append((source, name, value))
        return value

    def attribute(self, module: ModuleType, name: str) -> Any:
        """Return the substitute of a module's attribute."""
        value = self._remember(vars(module), name)
        if value is _MISSING:
            raise Untraceable(f"it reads {module.__name__}.{name}")
        return self.of(value, f"{module.__name__}.{name}")


class _Module:
    """A module, of which only the attributes that are read are looked at."""

    def __init__(self, module: ModuleType, substitutes: Substitutes) -> None:
        self.__module = module
        self.__substitutes = substitutes

    def __getattr__(self, name: str) -> Any:
        return self.__substitutes.attribute(self.__module, name)


class _Members:
    """A frozen set, which is only asked whether it contains something."""

    def __init__(self, members: frozenset[Any]) -> None:
        self.__members = members

    def __contains__(self, value: Any) -> bool:
        if type(value) is Symbol:
            return bool(parts(value)[0].call(self.__members.__contains__, (value,)))
        return value in self.__members


def _current(source: Any, name: str | None) -> Any:
    if name is not None:
        return source.get(name, _MISSING)
    try:
        return source.cell_contents
    except ValueError:  # an empty cell
        return _MISSING


def _constructor(cls: type) -> Callable[..., Any]:
    names = record_fields(cls) or ()

    def construct(*arguments: Any, **keywords: Any) -> RecordSymbol:
        record = cls(*arguments, **keywords)
        return RecordSymbol(cls, {name: getattr(record, name) for name in names})

    return construct


def _getter(getter: Any) -> Any:
    _, names = getter.__reduce__()
    if any(type(name) not in (int, str) or str(name).startswith("__") or ".__" in str(name) for name in names):
        raise Untraceable("it gets elements by what is not a constant")
    return getter


def _refusal(value: Any, name: str) -> str:
    if callable(value):
        return f"it calls {name}"
    kind = type(value).__name__
    article = "an" if kind[0] in "aeiou" else "a"
    return f"it reads {name.partition('.')[0]}, {article} {kind}"
