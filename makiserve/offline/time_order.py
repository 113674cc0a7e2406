"""The event time of records, and a check of its order."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from datetime import date, datetime, timezone
from typing import Any, get_args

from makiserve.offline.sources import Block
from makiserve.records import Schema
from makiserve.records.record_table import values_of
from makiserve.scoring import Scored
from makiserve.stream.engine.plan import Plan
from makiserve.stream.event_time import with_zone

TIMES = ("time", "timestamp", "datetime", "event_time", "ts")
"""Names of numeric fields that plots use as the event time."""


def time_field(schema: Schema) -> str | None:
    """Return the first attribute that is a date, or a number with a name in `TIMES`; None if there is none."""
    for declared in schema.fields:
        kinds = {kind for kind in (declared.type, *get_args(declared.type)) if isinstance(kind, type)}
        is_time = {declared.name.lower(), declared.encode_name.lower()} & set(TIMES) and kinds & {int, float}
        if is_time or any(issubclass(kind, date) for kind in kinds):
            return declared.name
    return None


logger = logging.getLogger(__name__)


class TimeOrder:
    """Counts records that are older than an earlier record of their lane.

    A stream may contain such records, and the pipeline defines how they are handled. A file with unsorted rows is more
    often a mistake. No stream would give the features of such a file.

    Args:
        field: the attribute with the event time.
        operator: the name of an operator of the pipeline that works in event time.
    """

    needs_records = True
    needs_features = False

    def __init__(self, field: str, operator: str) -> None:
        self._field = field
        self._operator = operator
        self._latest: dict[Hashable, Any] = {}
        self._first = ""
        self.count = 0

    def take(self, block: Block, scored: Scored) -> None:
        for index, value in enumerate(values_of(block.records, self._field)):
            time = _comparable(value)
            if time is None:
                continue
            lane = (block.lanes[index] if block.lanes else block.source), isinstance(time, datetime)
            latest = self._latest.get(lane, time)
            if time >= latest:
                self._latest[lane] = time
                continue
            self.count += 1
            self._first = self._first or f"{block.source}@{block.offsets[index]}: {self._field} {time} after {latest}"

    def report(self) -> None:
        """Log a warning if there were any."""
        if self.count:
            logger.warning(
                "%d records are older than an earlier record of their lane, the first at %s. %s works in event "
                "time: sort the records by time if they are in order when served",
                self.count,
                self._first,
                self._operator,
            )


def _comparable(time: Any) -> Any:
    """Return a date as midnight in UTC and a datetime without a zone as UTC; None if the value is not a time."""
    if isinstance(time, date) and not isinstance(time, datetime):
        return datetime(time.year, time.month, time.day, tzinfo=timezone.utc)
    return with_zone(time) if isinstance(time, (datetime, int, float)) else None


def time_order(plan: Plan, schema: Schema) -> TimeOrder | None:
    """Return a check of the order; None if no operator works in event time, or no field is known to be one."""
    working = [operator for operator in plan.walk() if getattr(operator, "time_mapper", None) is not None]
    field = time_field(schema)
    return TimeOrder(field, working[0].name) if working and field else None
