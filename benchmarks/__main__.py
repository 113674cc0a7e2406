"""Run all benchmarks, or the named ones: `python -m benchmarks [NAME…]`."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = (
    "columns",
    "times",
    "frames",
    "cold_start",
    "decoding",
    "engine",
    "errors",
    "grouping",
    "predict",
    "recovery",
    "startup",
    "replay",
    "flights",
    "checkpoint",
    "serving",
)

for name in sys.argv[1:] or NAMES:
    import_module(f"benchmarks.{name}").run()
