"""The fields of a record that a replay is asked about."""

from __future__ import annotations

from datetime import date
from typing import get_args

from makiserve.schema import Schema

TIMES = ("time", "timestamp", "datetime", "event_time", "ts")
"""Names of numbers that are taken for the event time, in plots."""


def time_field(schema: Schema) -> str | None:
    """The attribute that plots take for the event time: the first date, or a number of such a name; None without."""
    for declared in schema.fields:
        kinds = {kind for kind in (declared.type, *get_args(declared.type)) if isinstance(kind, type)}
        is_time = {declared.name.lower(), declared.encode_name.lower()} & set(TIMES) and kinds & {int, float}
        if is_time or any(issubclass(kind, date) for kind in kinds):
            return declared.name
    return None
