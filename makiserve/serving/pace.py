"""How many records are scored together: all that have arrived, as long as nobody waits too long for it."""

from __future__ import annotations

from datetime import timedelta

FORGETTING = 0.95
"""How much of what was measured before a batch still counts after it."""

FIRST = 256
"""Nothing is known of the model then."""


class Pace:
    """Bounds a batch so that scoring it takes about a given time.

    What a batch takes is fitted by `overhead + records * cost`, by least squares over the batches so far, the newest
    counting most. A model whose overhead alone takes longer than the time may double it: smaller batches would only
    make everything later.

    Args:
        target: how long a batch may take.
        most: the most records, however quick they are.
    """

    def __init__(self, target: timedelta, most: int) -> None:
        self._target_s, self._most = target.total_seconds(), most
        self._weight = self._n = self._t = self._nn = self._nt = 0.0
        self.records = min(FIRST, most)

    def note(self, records: int, seconds: float) -> None:
        """A batch of this many records took so long."""
        self._weight = FORGETTING * self._weight + 1
        self._n = FORGETTING * self._n + records
        self._t = FORGETTING * self._t + seconds
        self._nn = FORGETTING * self._nn + records * records
        self._nt = FORGETTING * self._nt + records * seconds
        overhead, cost = self._fit()
        budget = max(self._target_s - overhead, overhead)
        self.records = self._most if cost <= 0 else int(max(1, min(self._most, budget / cost)))

    def _fit(self) -> tuple[float, float]:
        """Overhead and cost in seconds, neither negative; from batches of one size the cost is the whole."""
        spread = self._weight * self._nn - self._n * self._n
        if spread > 1e-9 * self._weight * self._nn:
            cost = (self._weight * self._nt - self._n * self._t) / spread
            overhead = (self._t - cost * self._n) / self._weight
            if cost > 0 and overhead >= 0:
                return overhead, cost
        return 0.0, self._t / self._n
