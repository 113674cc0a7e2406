"""The number of Hypothesis examples of a test that needs another number than the profile's: fewer in `make unit`."""

from __future__ import annotations

from hypothesis import settings

FAST = 10
"""The examples of a test in the profile that `make unit` uses."""


def examples(count: int) -> settings:
    """Return a decorator that runs a test with `count` examples; in the fast profile with at most `FAST`."""
    is_fast = settings.get_current_profile_name() == "fast"
    return settings(max_examples=min(count, FAST) if is_fast else count)
