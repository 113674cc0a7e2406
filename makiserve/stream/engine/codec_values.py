"""Take records, times and factories apart for a checkpoint, and make them again exactly as they were."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from makiserve.errors import StateError


def is_structured(kind: type) -> bool:
    """Return whether a type is a named tuple, a Struct, an enum or a dataclass."""
    is_named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    return is_named_tuple or issubclass(kind, (msgspec.Struct, Enum)) or dataclasses.is_dataclass(kind)


def fields_of(value: Any) -> Iterable[Any]:
    """Return the values of the fields of a structured value; of an enum its value."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.astuple(value)
    if isinstance(value, Enum):
        return (value.value,)
    return tuple(getattr(value, field.name) for field in dataclasses.fields(value))


def structured(kind: type, values: tuple[Any, ...]) -> Any:
    """Return the value that `fields_of` took apart.

    What a constructor computes is not computed again: `__post_init__` or `__new__` might change the fields twice. Only
    a checkpoint with fewer fields than the type is given to the constructor, for their defaults.
    """
    make, count = _maker(kind)
    return make(values) if len(values) == count else kind(*values)


@lru_cache(maxsize=1024)
def _maker(kind: Any) -> tuple[Callable[[tuple[Any, ...]], Any], int]:
    """Return the function that makes a value of a type from its fields, and how many there are."""
    if issubclass(kind, tuple):
        return kind._make, len(kind._fields)
    if issubclass(kind, msgspec.Struct):
        return _struct_maker(kind), len(kind.__struct_fields__)
    if issubclass(kind, Enum):
        return lambda values: kind(*values), 1
    names = [field.name for field in dataclasses.fields(kind)]

    def make(values: tuple[Any, ...]) -> Any:
        value = kind.__new__(kind)
        for name, field in zip(names, values, strict=True):
            object.__setattr__(value, name, field)
        return value

    return make, len(names)


def _struct_maker(kind: type[msgspec.Struct]) -> Callable[[tuple[Any, ...]], Any]:
    names, is_changed = kind.__struct_fields__, hasattr(kind, "__post_init__")
    by_name = any(parameter.kind is Parameter.KEYWORD_ONLY for parameter in signature(kind).parameters.values())
    if not (is_changed or by_name):
        return lambda values: kind(*values)

    def make(values: tuple[Any, ...]) -> Any:
        value = kind(**dict(zip(names, values, strict=True)))
        for name, field in zip(names, values, strict=True) if is_changed else ():
            msgspec.structs.force_setattr(value, name, field)
        return value

    return make


def time_parts(value: dt.datetime | dt.time) -> Sequence[Any]:
    """Return a datetime or a time of day as its ISO 8601 text, with its fold and the name of its zone if it has them.

    A zone is not replaced by its offset: after a change of the clocks, Python's arithmetic differs.

    Raises:
        StateError: the zone is neither a fixed offset nor a ZoneInfo with a name.
    """
    zone = value.tzinfo
    if isinstance(zone, ZoneInfo) and zone.key:
        return [value.replace(tzinfo=None).isoformat(), value.fold, zone.key]
    if zone is not None and zone.utcoffset(None) is None:
        raise unsaved_zone(zone)
    return [value.isoformat(), value.fold] if value.fold else [value.isoformat()]


def unsaved_zone(zone: dt.tzinfo) -> StateError:
    """Return the error for a time in a zone that cannot be saved."""
    return StateError(
        f"a time in a zone of type {type(zone).__module__}.{type(zone).__qualname__} cannot be saved in a "
        "checkpoint: use zoneinfo.ZoneInfo(name), or convert the time to UTC"
    )


FACTORIES = {
    factory.__name__: factory
    for factory in (bool, bytes, float, int, str, dict, frozenset, list, set, tuple, Counter, OrderedDict, deque)
}
"""The factories of a defaultdict that a checkpoint can name."""


def factory_name(factory: Callable[[], Any] | None) -> str | None:
    """Return the name of a defaultdict's factory; None without one.

    Raises:
        StateError: it is not one of `FACTORIES`.
    """
    name = getattr(factory, "__name__", "")
    if factory is not None and FACTORIES.get(name) is not factory:
        raise StateError(
            f"a defaultdict with the factory {factory!r:.80} cannot be saved in a checkpoint: use a type as the "
            "factory, such as int, float, list, dict or set"
        )
    return name or None


def factory_of(name: str | None) -> Callable[[], Any] | None:
    """Return the factory of a name."""
    return None if name is None else FACTORIES[name]


def time_of(kind: Any, text: str, fold: int = 0, zone: str | None = None) -> Any:
    """Return the datetime or time of day that `time_parts` took apart."""
    value = kind.fromisoformat(text)
    if zone is not None:
        value = value.replace(tzinfo=ZoneInfo(zone))
    return value.replace(fold=fold) if fold else value
