"""Which values cannot change in place: atoms, frozen records, and tuples of these."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import numpy as np

IMMUTABLE = (
    *(int, float, complex, str, bytes, bool, type(None), Decimal, Fraction, UUID),
    *(dt.datetime, dt.date, dt.time, dt.timedelta, Enum, np.generic),
)
"""Types of values that cannot change and hold no others."""


def is_frozen(cls: Any) -> bool:
    """Return whether the fields of these records never change."""
    if issubclass(cls, tuple):
        return True
    if issubclass(cls, msgspec.Struct):
        return bool(cls.__struct_config__.frozen)
    parameters = getattr(cls, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def is_immutable(value: Any) -> bool:
    """Return whether neither a value nor anything in it can change in place, as far as its type shows that."""
    kind: Any = type(value)
    if is_immutable_type(kind):
        return True
    if issubclass(kind, (tuple, frozenset)):
        return _are_immutable(value)
    return is_frozen(kind) and _are_immutable([getattr(value, name) for name in _field_names(kind)])


def _are_immutable(values: Collection[Any]) -> bool:
    # Usually many values of few types: a walk through each of them would cost more than the accumulator.
    return have_immutable_types(values) or all(map(is_immutable, values))


def have_immutable_types(values: Iterable[Any]) -> bool:
    """Return whether the types of values show that none of them can change in place; each type is looked at once."""
    return all(map(is_immutable_type, {*map(type, values)}))


@lru_cache(maxsize=1024)
def is_immutable_type(kind: type) -> bool:
    """Return whether no value of a type can change in place, by the declared types of its fields."""
    return _holds_atoms(kind, frozenset())


def _holds_atoms(declared: Any, outer: frozenset[Any]) -> bool:
    """Return whether no value of a declared type can change in place, given the types that contain it."""
    if get_origin(declared) is Annotated:
        declared = get_args(declared)[0]
    if declared in outer or get_origin(declared) is Literal:
        return True
    if get_origin(declared) in (Union, UnionType):
        return all(_holds_atoms(option, outer) for option in get_args(declared))
    if get_origin(declared) or not isinstance(declared, type):  # before Python 3.11, list[int] is a type
        return False
    if issubclass(declared, IMMUTABLE):
        return not issubclass(declared, np.void)  # a structured value of numpy can be assigned to
    if issubclass(declared, tuple) or not is_frozen(declared):
        return False
    try:
        hints = get_type_hints(declared)
    except Exception:  # noqa: BLE001  annotations are the user's, and may not be resolvable
        return False
    return all(_holds_atoms(hints[name], outer | {declared}) for name in _field_names(declared))


def _field_names(kind: Any) -> Sequence[str]:
    if issubclass(kind, msgspec.Struct):
        names: tuple[str, ...] = kind.__struct_fields__
        return names
    return [field.name for field in fields(kind)]
