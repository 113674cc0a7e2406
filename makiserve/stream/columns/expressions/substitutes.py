"""What a traced function reads instead of its globals: constants, checked helpers, and builtins that take symbols."""

from __future__ import annotations

import builtins
import dataclasses
import functools
import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import BuiltinFunctionType, CellType, FunctionType, GeneratorType, ModuleType
from typing import Any

from makiserve.stream.columns.expressions.code import inspect_code
from makiserve.stream.columns.expressions.nodes import Untraceable
from makiserve.stream.columns.expressions.records import is_frozen, record_fields
from makiserve.stream.columns.expressions.symbols import (
    CONSTANTS,
    RecordSymbol,
    Symbol,
    is_symbolic,
    parts,
    record_parts,
)

_MISSING = object()
_ITERABLES = (list, GeneratorType, map, filter, zip, reversed)
_NATIVE = {
    *(abs, min, max, round, divmod, pow, any, all, sorted, range, enumerate, zip, reversed, tuple, list, map, filter),
    *(math.floor, math.ceil, math.trunc),
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow),
    *(operator.neg, operator.pos, operator.abs, operator.invert, operator.not_, operator.getitem),
    *(operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
}
"""Functions that reach a symbol only through its operators."""
_IN_COLUMNS: dict[Any, str] = {
    float: "float",
    int: "int",
    bool: "bool",
    math.sqrt: "sqrt",
    math.fabs: "fabs",
    math.isnan: "isnan",
    math.isinf: "isinf",
    math.isfinite: "isfinite",
    math.copysign: "copysign",
}
"""Functions of numbers that are computed in columns, each by its operation."""
_FOR_EACH = {
    *(value for value in vars(math).values() if isinstance(value, BuiltinFunctionType)),
    *(len, sum, str, ord, chr, hash),
} - {*_NATIVE, *_IN_COLUMNS, hash}
"""Functions without effect, which are called for each value."""


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
        builtin = _builtin(value)
        if builtin is not None:
            return builtin
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


def is_constant(value: Any) -> bool:
    """Return whether a value is immutable, of a type of Python's own."""
    if type(value) in (tuple, frozenset):
        return all(map(is_constant, value))
    return type(value) in CONSTANTS


def _current(source: Any, name: str | None) -> Any:
    if name is not None:
        return source.get(name, _MISSING)
    try:
        return source.cell_contents
    except ValueError:  # an empty cell
        return _MISSING


def _builtin(value: Any) -> Any:
    if not isinstance(value, BuiltinFunctionType | type):
        return None
    if value in _NATIVE:
        return value
    if value in _IN_COLUMNS:
        return _operation(_IN_COLUMNS[value], value)
    if value in _FOR_EACH:
        return _for_each(value)
    return _isinstance if value is isinstance else None


def _path_of(values: Any) -> Any:
    """Return the path of the first symbol among values."""
    for value in values:
        if type(value) is Symbol:
            return parts(value)[0]
        if is_symbolic(value):
            return _path_of(record_parts(value)[1].values() if type(value) is RecordSymbol else value)
    raise AssertionError("no symbol among values that contain one")


def _operation(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def operation(*arguments: Any) -> Any:
        if not any(map(is_symbolic, arguments)):
            return function(*arguments)
        if len(arguments) != (2 if name == "copysign" else 1):
            raise Untraceable(f"it calls {function.__name__} with {len(arguments)} arguments")
        return _path_of(arguments).symbol(name, arguments)

    operation.__wrapped__ = function  # type: ignore[attr-defined]
    return operation


def _for_each(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **keywords: Any) -> Any:
        given = [tuple(value) if _is_consumed(function, value) else value for value in arguments]
        if any(map(is_symbolic, keywords.values())):
            raise Untraceable(f"it calls {function.__name__} with keywords that depend on the item")
        if not any(map(is_symbolic, given)):
            return function(*given, **keywords)
        return _path_of(given).call(function, given, tuple(sorted(keywords.items())))

    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _is_consumed(function: Callable[..., Any], value: Any) -> bool:
    """Return whether a function takes the elements of a value, which may be symbols."""
    return isinstance(value, _ITERABLES) or (
        function is sum and type(value) is not Symbol and isinstance(value, Iterable)
    )


def _isinstance(value: Any, classes: Any) -> Any:
    given = classes if type(classes) is tuple else (classes,)
    classes = tuple(getattr(cls, "__wrapped__", cls) for cls in given)
    if not is_symbolic(value):
        return isinstance(value, classes)
    if type(value) is not Symbol or any(type(cls) is not type for cls in classes):
        raise Untraceable("it calls isinstance")
    return parts(value)[0].symbol("isinstance", (value,), classes)


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
