"""How much memory this process has."""

from __future__ import annotations

import resource
from pathlib import Path

STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """What is in memory now, in bytes; 0 where the system does not say, as outside of Linux."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return 0
