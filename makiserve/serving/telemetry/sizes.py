"""What the operators remember, measured now and then."""

from __future__ import annotations

import time
from collections.abc import Iterable

from makiserve.scoring import Lane, Scorer
from makiserve.web.snapshot import StateSize

EVERY_S = 15.0
SHARE = 200
"""Where measuring takes long it is done less often: at most this part of the time goes into it."""

SAMPLE = 200
"""Groups that are measured where there are more: a lane of millions takes milliseconds, not minutes."""

PREFIXES = ("", "post > ")
"""Of the operators of each program of a scorer."""


class Sizes:
    """Measures state.

    Args:
        scorer: whose lanes they are.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._due = time.monotonic()
        self._found: tuple[StateSize, ...] = ()

    def frozen(self, lanes: Iterable[Lane]) -> tuple[StateSize, ...]:
        """The latest measurement, made anew when it is due."""
        began = time.monotonic()
        if began >= self._due:
            self._found = self._measured(lanes)
            now = time.monotonic()
            self._due = now + max(EVERY_S, SHARE * (now - began))
        return self._found

    def _measured(self, lanes: Iterable[Lane]) -> tuple[StateSize, ...]:
        found: dict[str, StateSize] = {}
        for lane in lanes:
            for prefix, checkpoints, state in zip(PREFIXES, self._scorer.checkpoints, lane.states, strict=False):
                for name, size in checkpoints.sizes(state, SAMPLE).items():
                    operator = prefix + name
                    known = found.get(operator, StateSize(operator, 0, 0))
                    found[operator] = StateSize(operator, known.keys + size.keys, known.size_bytes + size.size_bytes)
        return tuple(found.values())
