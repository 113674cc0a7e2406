"""The two pipelines written by hand, without makiserve: for the loop by hand and for Quix Streams alike.

State is whatever has `get(name)` and `set(name, value)`, of values that JSON can hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from math import sqrt
from operator import itemgetter
from typing import Any, Protocol

import joblib

Row = list[Any]
DAY, TAXI, WINDOW = 24 * 60, 90, 20
PANE, PANES = 60, 6
AT = itemgetter(0)


class State(Protocol):
    """Of one key."""

    def get(self, name: str) -> Any: ...
    def set(self, name: str, value: Any) -> None: ...


class Memory(dict[str, Any]):
    """The state of one key, in memory."""

    set = dict.__setitem__


def electricity(state: State, record: dict[str, Any]) -> Row | None:
    """Every hour, over six hours: count, mean and squares of each hour are kept, and merged."""
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
    """For each flight that leaves, from the twentieth of an origin on."""
    day = date(record["year"], record["month"], record["day"]).toordinal()
    due = day * DAY + _minute(record["sched_dep_time"])
    left = landed = None
    delay, arrival, air_time = record["dep_delay"], record["arr_delay"], record["air_time"]
    if delay is not None:
        left = [due + delay, delay]
        if arrival is not None and air_time is not None:
            landed = [left[0] + air_time + TAXI, arrival - delay]
    last_delay, lost = _latest(state, "left", due, left), _latest(state, "landed", due, landed)
    carrier_lost = _latest(state, f"carrier/{record['carrier']}", due, landed)
    dest_lost = _latest(state, f"dest/{record['dest']}", due, landed)
    window = state.get("window") or []
    window.append([last_delay, lost, left is None])
    del window[:-WINDOW]
    state.set("window", window)
    if left is None or len(window) < WINDOW:
        return None
    delays, losses, cancelled = zip(*window, strict=True)
    mean = sum(delays) / WINDOW
    deviation = sqrt(sum((each - mean) ** 2 for each in delays) / (WINDOW - 1))
    planned = (_minute(record["sched_arr_time"]) - due) % DAY
    own = [record["carrier"], record["origin"], record["dest"], delay, record["distance"], planned]
    own += [due % DAY, due // DAY % 7]
    return [*own, mean, deviation, sum(losses) / WINDOW, sum(cancelled) / WINDOW, carrier_lost, dest_lost]


def _minute(clock: int) -> int:
    return clock // 100 * 60 + clock % 100


def _latest(state: State, name: str, due: int, own: list[float] | None) -> float:
    """The value of the latest event of the flights before, until this one is due."""
    latest, to_come = state.get(name) or ([0.0, 0.0], [])
    if happened := bisect_right(to_come, due, key=AT):
        latest = max(to_come[happened - 1], latest, key=AT)
        del to_come[:happened]
    if own:
        to_come.insert(bisect_right(to_come, own[0], key=AT), own)
    state.set(name, (latest, to_come))
    return float(latest[1])


PIPELINES: dict[str, Callable[[State, dict[str, Any]], Row | None]] = {"electricity": electricity, "flights": flights}


class Estimator:
    """The fitted model, called with plain arrays; names are encoded by a dict, as no frame is needed for that."""

    def __init__(self, path: str) -> None:
        model = joblib.load(path)
        self._codes: list[dict[str, int]] = []
        if hasattr(model, "named_steps"):
            categories = model["encode"].named_transformers_["names"].categories_
            self._codes = [{name: code for code, name in enumerate(names)} for names in categories]
            model = model["regress"]
        model.__dict__.pop("feature_names_in_", None)
        self._predict = model.predict

    def predict(self, rows: list[Row]) -> list[float]:
        """One number a row."""
        count = len(self._codes)
        if count:
            pairs = [(row, zip(self._codes, row, strict=False)) for row in rows]
            rows = [[codes.get(name, -1) for codes, name in names] + row[count:] for row, names in pairs]
        return list(map(float, self._predict(rows)))
