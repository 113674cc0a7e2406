"""A pipeline whose code must travel: it is in a file that no executor has."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType

SOURCE = """
import os
import typing
from datetime import datetime

import rx

import makiserve
import makiserve.stream as rs
from {package}.units import celsius, lives


class Reading(makiserve.Record):
    station: str
    at: datetime
    fahrenheit: float | None = None


class Window(typing.NamedTuple):
    hour: int
    last: float
    mean: float = makiserve.field(name="mean of 3")
    count: typing.Optional[int] = None


def _of(readings):
    return Window(readings[-1][0], readings[-1][1], sum(value for _, value in readings) / 3, {count})


def features():
    return rx.pipe(
        rs.ops.filter(lambda reading: reading.fahrenheit is not None),
        rs.ops.map(lambda reading: (reading.at.hour, celsius(reading.fahrenheit))),
        rs.data.roll(window={window}, stride=1, pipeline=rs.data.to_list()),
        rs.ops.filter(lambda readings: len(readings) == 3),
        rs.ops.map(_of),
    )
"""

UNITS = """
import os

def celsius(fahrenheit):
    if fahrenheit < -459.67:
        raise ValueError("below absolute zero")
    return (fahrenheit - 32) / 1.8


def lives(mark):
    # End this process if it is an executor's and the file does not exist.
    from pyspark import TaskContext

    if TaskContext.get() is not None and not os.path.exists(mark):
        open(mark, "w").close()
        os._exit(1)
    return True
"""


def write_weather(folder: Path, package: str, count: str = "len(readings)", window: str = "3") -> ModuleType:
    """Write the pipeline's package into a folder that only this process imports from, and import it."""
    place = folder / package
    place.mkdir()
    (place / "__init__.py").write_text("")
    (place / "units.py").write_text(UNITS)
    (place / "features.py").write_text(SOURCE.format(package=package, count=count, window=window))
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    invalidate_caches()
    return import_module(f"{package}.features")
