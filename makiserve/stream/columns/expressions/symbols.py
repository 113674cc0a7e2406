"""Symbols: what a function is called with while it is traced. Each operation on a symbol gives a node."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

from makiserve.stream.columns.expressions.nodes import Node, Untraceable

if TYPE_CHECKING:
    from makiserve.stream.columns.expressions.path import Path

METHODS = frozenset(
    {
        *("date", "time", "timetz", "timestamp", "weekday", "isoweekday", "toordinal", "isocalendar"),
        *("isoformat", "strftime", "astimezone", "replace", "total_seconds"),
    }
)
"""Methods of times, dates and durations that have no effect and never return None."""


class Symbol:
    """A value that is known only when items arrive. Its own attributes have names that no field has."""

    __slots__ = ("__node", "__path")
    __array_ufunc__ = None  # numpy's numbers leave operations to the symbol

    def __init__(self, path: Path, node: Node) -> None:
        self.__path = path
        self.__node = node

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise Untraceable(f"it reads {name}")
        path, node = parts(self)
        if name == "_replace":
            return _replace(self)
        if name == "replace" or (name in METHODS and _is_called(sys._getframe(1))):  # noqa: SLF001  as in __iter__
            return _method(self, name)
        return path.read("field", (node,), name)

    def __getitem__(self, index: Any) -> Any:
        path, node = parts(self)
        if type(index) not in (int, str):
            raise Untraceable("it takes an element whose index is not a constant")
        return path.read("element", (node,), index)

    def __iter__(self) -> Iterator[Any]:
        path, node = parts(self)
        count = _unpacked(sys._getframe(1))  # noqa: SLF001  only the instruction knows the number of targets
        if count is None:
            count = path.length(node)
        path.symbol("unpack", (self,), count)
        return iter([path.read("element", (node,), index) for index in range(count)])

    def __len__(self) -> int:
        path, node = parts(self)
        return path.length(node)

    def __bool__(self) -> bool:
        path, node = parts(self)
        return path.decide(node)

    def __divmod__(self, other: Any) -> Any:
        path, _ = parts(self)
        return path.symbol("floordiv", (self, other)), path.symbol("mod", (self, other))

    def __rdivmod__(self, other: Any) -> Any:
        path, _ = parts(self)
        return path.symbol("floordiv", (other, self)), path.symbol("mod", (other, self))

    def __round__(self, digits: Any = None) -> Any:
        path, _ = parts(self)
        return path.symbol("round", (self,)) if digits is None else path.call(round, (self, digits))


parts: Callable[[Symbol], tuple[Path, Node]] = attrgetter("_Symbol__path", "_Symbol__node")
"""Return the path and the node of a symbol."""


class RecordSymbol:
    """A record or a tuple that the function has built of symbols and constants."""

    __slots__ = ("__cls", "__values")

    def __init__(self, cls: type, values: dict[str, Any]) -> None:
        self.__cls = cls
        self.__values = values

    def __getattr__(self, name: str) -> Any:
        cls, values = record_parts(self)
        if name in values:
            return values[name]
        if name == "_replace" and issubclass(cls, tuple):
            return lambda **changes: self.__replaced(changes)
        raise Untraceable(f"it uses {cls.__name__}.{name}")

    def __replaced(self, changes: dict[str, Any]) -> RecordSymbol:
        cls, values = record_parts(self)
        if not values.keys() >= changes.keys():
            raise Untraceable(f"{cls.__name__} has no such fields")
        return RecordSymbol(cls, {**values, **changes})

    def __elements(self) -> tuple[Any, ...]:
        cls, values = record_parts(self)
        if not issubclass(cls, tuple):
            raise Untraceable(f"it uses {cls.__name__} as a sequence")
        return tuple(values.values())

    def __getitem__(self, index: Any) -> Any:
        return self.__elements()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__elements())

    def __len__(self) -> int:
        return len(self.__elements())

    def __bool__(self) -> bool:
        return bool(self.__elements())


record_parts: Callable[[RecordSymbol], tuple[type, dict[str, Any]]] = attrgetter(
    "_RecordSymbol__cls", "_RecordSymbol__values"
)
"""Return the class and the fields of a record."""


def is_symbolic(value: Any) -> bool:
    """Return whether a value is a symbol or contains one."""
    if type(value) in (tuple, list):
        return any(map(is_symbolic, value))
    return type(value) in (Symbol, RecordSymbol)


def _replace(record: Symbol) -> Callable[..., Any]:
    path, _ = parts(record)

    def replace(**changes: Any) -> Any:
        return path.symbol("replace", (record, *changes.values()), tuple(changes))

    return replace


def _method(value: Symbol, name: str) -> Callable[..., Any]:
    path, _ = parts(value)

    def method(*arguments: Any, **keywords: Any) -> Any:
        if (name == "replace" and arguments) or any(map(is_symbolic, keywords.values())):
            raise Untraceable("it calls a method of a value")
        return path.symbol("method", (value, *arguments), (name, tuple(sorted(keywords.items()))))

    return method


def _is_called(frame: Any) -> bool:
    """Return whether the current instruction of a frame reads an attribute to call it, in 3.10 without keywords."""
    code = frame.f_code.co_code
    name, argument = dis.opname[code[frame.f_lasti]], code[frame.f_lasti + 1]
    return name == "LOAD_METHOD" or (name == "LOAD_ATTR" and sys.version_info >= (3, 12) and bool(argument & 1))


def _unpacked(frame: Any) -> int | None:
    """Return the number of variables that the current instruction of a frame unpacks a value into."""
    code = frame.f_code.co_code
    if dis.opname[code[frame.f_lasti]] != "UNPACK_SEQUENCE":
        return None
    return int(code[frame.f_lasti + 1])


def _refusing(reason: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise Untraceable(reason)

    return refuse


def _unary(operation: str) -> Callable[[Symbol], Any]:
    def apply(self: Symbol) -> Any:
        return parts(self)[0].symbol(operation, (self,))

    return apply


def _binary(operation: str) -> Callable[[Symbol, Any], Any]:
    def apply(self: Symbol, other: Any) -> Any:
        return parts(self)[0].symbol(operation, (self, other))

    return apply


def _reflected(operation: str) -> Callable[[Symbol, Any], Any]:
    def apply(self: Symbol, other: Any) -> Any:
        return parts(self)[0].symbol(operation, (other, self))

    return apply


_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "or", "xor")
for _name in _ARITHMETIC:
    setattr(Symbol, f"__{_name}__", _binary(_name))
    setattr(Symbol, f"__r{_name}__", _reflected(_name))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Symbol, f"__{_name}__", _binary(_name))
    setattr(RecordSymbol, f"__{_name}__", _refusing("it compares records"))
for _name in ("neg", "pos", "abs", "invert", "floor", "ceil", "trunc"):
    setattr(Symbol, f"__{_name}__", _unary(_name))
for _names, _reason in {
    ("hash",): "it looks a value up in a set or a dictionary",
    ("str", "repr", "format", "bytes"): "it makes text of a value",
    ("float", "int", "index", "complex"): "it passes a value to a function that needs a number",
    ("contains", "reversed", "length_hint"): "it uses a value as a container",
    ("call",): "it calls a method of a value",
    ("enter", "exit", "await", "next"): "it uses a value in a way that has no column form",
}.items():
    for _name in _names:
        for _class in (Symbol, RecordSymbol):
            setattr(_class, f"__{_name}__", _refusing(_reason))
