"""What a traced function reads instead of the classes of `datetime`: what they build is part of the expression."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from makiserve.stream.columns.expressions.nodes import Untraceable
from makiserve.stream.columns.expressions.python_functions import for_each, path_of
from makiserve.stream.columns.expressions.symbols import is_symbolic

_NEEDED: Any = object()
_OF_DAY = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0, "tzinfo": None}
_OF_DATE = {"year": _NEEDED, "month": _NEEDED, "day": _NEEDED}
_PARAMETERS: dict[type, dict[str, Any]] = {
    date: _OF_DATE,
    datetime: {**_OF_DATE, **_OF_DAY},
    time: _OF_DAY,
    timedelta: dict.fromkeys(("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"), 0),
    timezone: {"offset": _NEEDED},
    ZoneInfo: {"key": _NEEDED},
}
"""The parameters of each class, with their defaults."""
_IN_COLUMNS = {date: "date", timedelta: "timedelta"}
_CONSTANTS = ("min", "max", "resolution", "utc")
_BUILDERS = ("fromordinal", "fromisoformat", "fromisocalendar", "combine")
"""Methods of classes that depend on nothing but their arguments: neither on the clock nor on the local zone."""


class TimeClass:
    """The substitute of a class."""

    def __init__(self, cls: type) -> None:
        self.__cls = cls
        self.__wrapped__ = cls

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        cls = self.__cls
        if not any(map(is_symbolic, (*arguments, *keywords.values()))):
            return cls(*arguments, **keywords)
        parameters = _PARAMETERS[cls]
        given = {**parameters, **dict(zip(parameters, arguments, strict=False)), **keywords}
        count = len(arguments) + len(keywords)
        if len(given) > len(parameters) or count > len(parameters) or any(value is _NEEDED for value in given.values()):
            raise Untraceable(f"it calls {cls.__name__} with other arguments")
        values = tuple(given.values())
        operation = _IN_COLUMNS.get(cls)
        return path_of(values).symbol(operation, values) if operation else path_of(values).call(cls, values)

    def __getattr__(self, name: str) -> Any:
        cls: Any = self.__cls
        if name in _CONSTANTS and hasattr(cls, name):
            return getattr(cls, name)
        if name in _BUILDERS and hasattr(cls, name):
            return for_each(getattr(cls, name))
        if name == "fromtimestamp" and cls is datetime:
            return _from_timestamp
        raise Untraceable(f"it calls {cls.__name__}.{name}")


def _from_timestamp(timestamp: Any, tz: Any = None) -> Any:
    if tz is None:
        raise Untraceable("it calls datetime.fromtimestamp")  # in the local zone
    return for_each(datetime.fromtimestamp)(timestamp, tz)


def time_class(value: Any) -> TimeClass | None:
    """Return the substitute of a class; None if it is not one of `datetime`."""
    return TimeClass(value) if isinstance(value, type) and value in _PARAMETERS else None
