"""Record classes whose constructor only stores its arguments: named tuples, msgspec Structs and data classes."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

import msgspec


@lru_cache(maxsize=1024)
def record_fields(cls: type) -> tuple[str, ...] | None:
    """Return the names of the fields that `cls(*values)` stores unchanged, in order.

    Returns:
        None if the class is not a record or if its constructor may do anything else.
    """
    names = _declared(cls)
    if not names:
        return None
    values = [object() for _ in names]
    try:
        record = cls(*values)
        stored = [getattr(record, name) for name in names]
    except Exception:  # noqa: BLE001  a class that cannot be built this way is not a plain record
        return None
    return names if all(map(_same, values, stored)) else None


def _declared(cls: type) -> tuple[str, ...] | None:
    if issubclass(cls, tuple) and is_named_tuple(cls):
        return tuple(getattr(cls, "_fields"))  # noqa: B009  the type checker does not know it
    if issubclass(cls, msgspec.Struct):
        custom = any(name in base.__dict__ for base in _below(cls, msgspec.Struct) for name in _CONSTRUCTION)
        return None if custom or type(cls) is not type(msgspec.Struct) else cls.__struct_fields__
    if dataclasses.is_dataclass(cls) and type(cls) is type:
        names = tuple(field.name for field in dataclasses.fields(cls))
        return names if _has_plain_access(cls) and _only_stores(cls, names) else None
    return None


def is_named_tuple(cls: Any) -> bool:
    """Return whether this is a named tuple that is built and read like the generated class."""
    if type(cls) is not type or not issubclass(cls, tuple) or not hasattr(cls, "_fields"):
        return False
    defined = {name for base in cls.__mro__[: cls.__mro__.index(tuple)] for name in base.__dict__}
    return _is_generated(cls.__new__) and defined.isdisjoint(_SEQUENCE) and _has_plain_access(cls)


def has_stored(cls: type, name: str) -> bool:
    """Return whether `name` is a stored attribute of these objects, which can be read at any time without effect."""
    if not _has_plain_access(cls):
        return False
    for base in cls.__mro__:
        if name in base.__dict__:
            static: Any = type(base.__dict__[name])
            return bool(static.__name__ in ("_tuplegetter", "member_descriptor") or not hasattr(static, "__get__"))
    return bool(cls.__dictoffset__)


_SEQUENCE = ("__init__", "__getitem__", "__iter__", "__len__")
_CONSTRUCTION = ("__new__", "__init__", "__post_init__", "__getattribute__", "__getattr__")


def _has_plain_access(cls: Any) -> bool:
    plain = (object.__getattribute__, tuple.__getattribute__, msgspec.Struct.__getattribute__)
    return cls.__getattribute__ in plain and not hasattr(cls, "__getattr__")


def _is_generated(new: Any) -> bool:
    """Return whether this is the `__new__` that `collections.namedtuple` generates."""
    return str(getattr(new, "__globals__", {}).get("__name__")).startswith("namedtuple_")


def _only_stores(cls: Any, names: tuple[str, ...]) -> bool:
    """Return whether the constructor of a data class does nothing but set these attributes."""
    code = getattr(cls.__init__, "__code__", None)
    used = {*names, "__setattr__", "__dataclass_builtins_object__", "object"}
    plain = code is not None and used.issuperset(code.co_names)
    return plain and cls.__new__ is object.__new__ and not hasattr(cls, "__post_init__")


def _below(cls: type, root: type) -> list[type]:
    return [base for base in cls.__mro__ if base is not root and issubclass(base, root)]


def _same(value: object, stored: object) -> bool:
    return value is stored
