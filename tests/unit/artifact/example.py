"""An example project, as files, and what a test needs to log it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge

FEATURES = """
from typing import NamedTuple
import rx
import makiserve
import makiserve.stream as rs
from house.units import celsius

class Reading(makiserve.Record):
    minute: int
    fahrenheit: float
    wind: float = makiserve.field(name="wind speed")

class Features(NamedTuple):
    temperature: float
    wind: float

def features():
    return rx.pipe(rs.ops.map(lambda i: Features(celsius(i.fahrenheit), i.wind)))
"""
UNITS = """
def celsius(fahrenheit):
    return (fahrenheit - 32) / 1.8
"""
HOUSE = {"house/__init__.py": "", "house/features.py": FEATURES, "house/units.py": UNITS}


def fitted(slope: float = 2.0) -> Ridge:
    """Return a model of two unnamed features."""
    rows = np.array([[0.0, 0.0], [10.0, 1.0], [20.0, 4.0], [30.0, 2.0]])
    return Ridge().fit(rows, rows @ [slope, 1.0])


def readings(house: ModuleType, count: int = 40) -> list[Any]:
    return [house.Reading(i, 50.0 + i / 3, float(i % 7)) for i in range(count)]


def write(files: dict[str, str], root: Path) -> None:
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def forget(*tops: str) -> None:
    """Remove these packages from this process, so that it imports them as a new one would."""
    for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
        del sys.modules[name]
    sys.path[:] = [entry for entry in sys.path if Path(entry).name != "project"]
