"""Schedule of commits and checkpoints, which limits how long the loop may wait for records, and the batch size."""

from __future__ import annotations

import time
from datetime import timedelta

QUIET_COMMIT = timedelta(seconds=1)
"""Commit interval for offsets without outputs, which no consumer waits for."""

IDLE = timedelta(milliseconds=500)
"""Maximum wait of the loop for records. A signal is noticed within this time."""

RESTORING = timedelta(milliseconds=10)
"""Maximum wait of the loop while a partition is being restored."""

CHECKPOINT_S = 5.0
"""Checkpoint interval, and so about how many seconds of records are scored again after a crash."""

SLICE_INTERVAL = timedelta(milliseconds=100)
"""Maximum interval of the commits that write a checkpoint."""

CHECKPOINT_SHARE = 20
"""Checkpoints take at most one part in this many of the time: slow ones are written less often."""


class Schedule:
    """The times of the next commit and of the next checkpoint.

    Args:
        interval: interval of commits that make outputs visible.
    """

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval
        self._commit_at: float | None = None
        self._save_at = time.monotonic() + CHECKPOINT_S
        self._saving_s = 0.0

    @property
    def is_due(self) -> bool:
        """Return whether a commit is due."""
        return self._commit_at is not None and time.monotonic() >= self._commit_at

    @property
    def is_saving(self) -> bool:
        """Return whether a commit should now save state."""
        return time.monotonic() >= self._save_at

    def request_commit(self, at: float, *, has_outputs: bool) -> None:
        """Schedule a commit.

        Args:
            at: when its batch began: a slow model must not leave its transaction open over the next batch.
            has_outputs: whether there are outputs to make visible.
        """
        interval = self._interval if has_outputs else QUIET_COMMIT
        due = at + interval.total_seconds()
        self._commit_at = due if self._commit_at is None else min(self._commit_at, due)

    def committed(
        self,
        began: float,
        *,
        is_saving: bool,
        is_unsaved: bool,
        is_unfinished: bool = False,
        is_waiting: bool = False,
    ) -> None:
        """Schedule the commit that follows a commit.

        Args:
            began: when it began.
            is_saving: whether it wrote checkpoints that were due.
            is_unsaved: whether there is state to save even if no further record arrives.
            is_unfinished: whether another commit must write checkpoints that are due or incomplete.
            is_waiting: whether records wait for one of them.
        """
        now = time.monotonic()
        self._commit_at = None
        if is_saving:
            self._saving_s += now - began
        if is_unfinished:
            self._commit_at = now if is_waiting else now + min(self._interval, SLICE_INTERVAL).total_seconds()
        elif is_saving:
            self._save_at = now + max(CHECKPOINT_S, CHECKPOINT_SHARE * self._saving_s)
            self._saving_s = 0.0
        elif is_unsaved:
            self._commit_at = self._save_at

    def wait(self, *, is_restoring: bool) -> timedelta:
        """Return how long the loop may wait for records."""
        longest = RESTORING if is_restoring else IDLE
        if self._commit_at is None:
            return longest
        return min(longest, timedelta(seconds=max(0.0, self._commit_at - time.monotonic())))


FORGETTING = 0.95
"""Weight of earlier measurements after each batch."""

FIRST = 256
"""Size of the first batch, before anything is known about the model."""


class AdaptiveBatchSizer:
    """Limits the batch size so that scoring a batch takes about a given time.

    The time of a batch is fitted as `overhead + records * cost`, by linear regression over all batches, with
    newer batches weighted more. If the overhead of a model alone exceeds the target, a batch may take twice the
    overhead: smaller batches would only delay everything.

    Args:
        target: target time per batch.
        most: maximum number of records, however fast they are.
    """

    def __init__(self, target: timedelta, most: int) -> None:
        self._target_s, self._most = target.total_seconds(), most
        self._weight = self._n = self._t = self._nn = self._nt = 0.0
        self.records = min(FIRST, most)

    def observe(self, records: int, seconds: float) -> None:
        """Record the time that a batch of this many records took."""
        self._weight = FORGETTING * self._weight + 1
        self._n = FORGETTING * self._n + records
        self._t = FORGETTING * self._t + seconds
        self._nn = FORGETTING * self._nn + records * records
        self._nt = FORGETTING * self._nt + records * seconds
        overhead, cost = self._fit()
        budget = max(self._target_s - overhead, overhead)
        self.records = self._most if cost <= 0 else int(max(1, min(self._most, budget / cost)))

    def _fit(self) -> tuple[float, float]:
        """Return overhead and cost in seconds, neither negative; if all batches have one size, it is all cost."""
        spread = self._weight * self._nn - self._n * self._n
        if spread > 1e-9 * self._weight * self._nn:
            cost = (self._weight * self._nt - self._n * self._t) / spread
            overhead = (self._t - cost * self._n) / self._weight
            if cost > 0 and overhead >= 0:
                return overhead, cost
        return 0.0, self._t / self._n
