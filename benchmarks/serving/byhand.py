"""The two pipelines in plain Python, without makiserve, for the loop by hand, Quix Streams and Faust.

A state is an object with `get(name)` and `set(name, value)`; its values can be encoded as JSON.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from math import inf, sqrt
from operator import itemgetter
from typing import Any, Protocol

import joblib

Row = list[Any]
DAY_MINUTES, TAXI_MINUTES, WINDOW = 24 * 60, 90, 20
PANE, PANES = 60, 6
KNOWN_AT = itemgetter(0)


class State(Protocol):
    """The state of one key."""

    def get(self, name: str) -> Any: ...
    def set(self, name: str, value: Any) -> None: ...


class Memory(dict[str, Any]):
    """The state of one key, in memory."""

    set = dict.__setitem__


def electricity(state: State, record: dict[str, Any]) -> Row | None:
    """Return a row every hour, from the count, mean and sum of squares of each of the last six hours."""
    panes = state.get("panes") or [[0, 0.0, 0.0]]
    pane, temperature = panes[-1], record["temperature"]
    before = temperature - pane[1]
    pane[0] += 1
    pane[1] += before / pane[0]
    pane[2] += before * (temperature - pane[1])
    row = None
    if pane[0] == PANE:
        if len(panes) == PANES:
            count, mean, squares = panes[0]
            for more, other, others in panes[1:]:
                distance, total = other - mean, count + more
                squares += others + distance * distance * count * more / total
                mean, count = mean + distance * more / total, total
            row = [record["pressure"] / (record["windSpeed"] + 1e-5), temperature, sqrt(squares / (count - 1))]
            del panes[0]
        panes.append([0, 0.0, 0.0])
    state.set("panes", panes)
    return row


def flights(state: State, record: dict[str, Any]) -> Row | None:
    """Return a row for each flight that departs, from the 20th flight of its origin on."""
    day = date(record["year"], record["month"], record["day"]).toordinal()
    due = day * DAY_MINUTES + _minute(record["sched_dep_time"])
    departure = arrival = None
    dep_delay, arr_delay, air_time = record["dep_delay"], record["arr_delay"], record["air_time"]
    if dep_delay is not None:
        departure = [due + dep_delay, dep_delay]
        if arr_delay is not None and air_time is not None:
            arrival = [departure[0] + air_time + TAXI_MINUTES, arr_delay - dep_delay]
    last_delay, time_lost = _latest(state, "departure", due, departure), _latest(state, "arrival", due, arrival)
    carrier_time_lost = _latest(state, f"carrier/{record['carrier']}", due, arrival)
    dest_time_lost = _latest(state, f"dest/{record['dest']}", due, arrival)
    window = state.get("window") or []
    window.append([last_delay, time_lost, departure is None])
    del window[:-WINDOW]
    state.set("window", window)
    if departure is None or len(window) < WINDOW:
        return None
    delays, times_lost, cancelled = zip(*window, strict=True)
    mean = sum(delays) / WINDOW
    deviation = sqrt(sum((delay - mean) ** 2 for delay in delays) / (WINDOW - 1))
    scheduled_duration = (_minute(record["sched_arr_time"]) - due) % DAY_MINUTES
    row = [record["carrier"], record["origin"], record["dest"], dep_delay, record["distance"], scheduled_duration]
    row += [due % DAY_MINUTES, due // DAY_MINUTES % 7, mean, deviation]
    return [*row, sum(times_lost) / WINDOW, sum(cancelled) / WINDOW, carrier_time_lost, dest_time_lost]


def _minute(clock: int) -> int:
    return clock // 100 * 60 + clock % 100


def _latest(state: State, name: str, due: int, own_event: list[float] | None) -> float:
    """Return the value of the latest event of earlier flights by the time this flight is due."""
    nothing: tuple[list[float], list[list[float]]] = ([0.0, 0.0], [])
    latest, pending = state.get(name) or nothing
    if pending and pending[0][0] <= due:
        count = bisect_right(pending, [due, inf])
        latest = max(pending[count - 1], latest, key=KNOWN_AT)
        del pending[:count]
    if own_event:
        pending.insert(bisect_right(pending, [own_event[0], inf]), own_event)
    state.set(name, (latest, pending))
    return float(latest[1])


PIPELINES: dict[str, Callable[[State, dict[str, Any]], Row | None]] = {"electricity": electricity, "flights": flights}


class Estimator:
    """The fitted model, called with plain arrays. Categories are encoded by a dict, because that needs no frame."""

    def __init__(self, path: str) -> None:
        model = joblib.load(path)
        self._codes: list[dict[str, int]] = []
        if hasattr(model, "named_steps"):
            categories = model["encode"].named_transformers_["categories"].categories_
            self._codes = [{name: code for code, name in enumerate(names)} for names in categories]
            model = model["regress"]
        model.__dict__.pop("feature_names_in_", None)
        self._predict = model.predict

    def predict(self, rows: list[Row]) -> list[float]:
        """Return a prediction for each row."""
        count = len(self._codes)
        if count:
            pairs = [(row, zip(self._codes, row, strict=False)) for row in rows]
            rows = [[codes.get(value, -1) for codes, value in categories] + row[count:] for row, categories in pairs]
        return list(map(float, self._predict(rows)))
