"""When the worker commits, and when it saves state: until then its loop may wait for records."""

from __future__ import annotations

import time
from datetime import timedelta

QUIET_COMMIT = timedelta(seconds=1)
"""How often offsets are committed that come with no output: nobody waits for them."""

IDLE = timedelta(milliseconds=500)
"""How long the loop waits for records: a signal is noticed within this time."""

RESTORING = timedelta(milliseconds=10)
"""How long it waits while a partition waits for its state."""

CHECKPOINT_S = 5.0
"""How often state is saved, and so about how many seconds of records are scored once more after a crash."""

CHECKPOINT_SHARE = 20
"""A share of the time that goes into checkpoints at most: if they take long they are written less often."""


class Schedule:
    """The next commit, and the next one that comes with a checkpoint.

    Args:
        interval: of commits that make outputs visible.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._commit_at: float | None = None
        self._save_at = time.monotonic() + CHECKPOINT_S
        self._saving_s = 0.0

    @property
    def is_due(self) -> bool:
        """Whether a commit is."""
        return self._commit_at is not None and time.monotonic() >= self._commit_at

    @property
    def is_saving(self) -> bool:
        """Whether a commit, now, is to save state."""
        return time.monotonic() >= self._save_at

    def begun(self, at: float, *, has_outputs: bool) -> None:
        """There is something to commit.

        Args:
            at: when its batch began: a slow model must not leave its transaction open over the next batch.
            has_outputs: whether somebody waits for it.
        """
        interval = self._interval if has_outputs else QUIET_COMMIT
        due = at + interval.total_seconds()
        self._commit_at = due if self._commit_at is None else min(self._commit_at, due)

    def committed(self, began: float, *, is_saving: bool, is_unsaved: bool, is_unfinished: bool = False) -> None:
        """Plan what follows a commit.

        Args:
            began: when it began.
            is_saving: whether it wrote checkpoints that were due.
            is_unsaved: whether there is state to be saved even if no further record comes.
            is_unfinished: whether checkpoints were begun, or are due, that a further commit must write.
        """
        now = time.monotonic()
        self._commit_at = None
        if is_saving:
            self._saving_s += now - began
        if is_unfinished:
            self._commit_at = now
        elif is_saving:
            self._save_at = now + max(CHECKPOINT_S, CHECKPOINT_SHARE * self._saving_s)
            self._saving_s = 0.0
        elif is_unsaved:
            self._commit_at = self._save_at

    def wait(self, *, is_restoring: bool) -> timedelta:
        """How long the loop may wait for records."""
        longest = RESTORING if is_restoring else IDLE
        if self._commit_at is None:
            return longest
        return min(longest, timedelta(seconds=max(0.0, self._commit_at - time.monotonic())))


FORGETTING = 0.95
"""How much of what was measured before a batch still counts after it."""

FIRST = 256
"""Nothing is known of the model then."""


class AdaptiveBatchSizer:
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
