"""`math.ewm_mean`, `math.ewm_stddev`: exponentially weighted statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.event_time import Duration
from makiserve.stream.math import decay, timed_decay
from makiserve.stream.scalars import real

if TYPE_CHECKING:
    from typing_extensions import Unpack


def ewm_mean(
    key_mapper: Callable[[Any], Any] | None = None,
    *,
    alpha: float | None = None,
    halflife: float | Duration | None = None,
    time_mapper: Callable[[Any], Any] | None = None,
    reduce: bool = False,
    **missing: Unpack[MissingValues],
) -> Transform:
    """Compute the exponentially weighted mean: an item that n others have followed weighs (1 - alpha)^n.

    ```
    --1----2-----------3-----------|
      ewm_mean(alpha=0.5)
    --1.0--1.66666667--2.42857143--|
    ```

    pandas' `ewm(alpha=…).mean()`: the weighted mean of all items so far, so that the first does not weigh more than
    its share. With `time_mapper` it is pandas' `ewm(halflife=…, times=…).mean()`: an item weighs 0.5^(age / halflife),
    its age being the time from it to the latest item. A late item weighs less from the start; the order of the items
    does not matter.

    Args:
        key_mapper: the number to use; by default the item itself.
        alpha: how much each item takes away from those before it, greater than 0 and at most 1.
        halflife: instead of alpha: after how many items a weight has halved; alpha = 1 - 0.5^(1 / halflife). With
            `time_mapper`, the elapsed time after which it has: a timedelta, or text such as `6h`.
        time_mapper: the event time of an item, to weigh items by their age: a datetime (UTC if it has no zone) or
            integer milliseconds.
        reduce: emit only the final mean, when the stream or its window completes; None for an empty stream.
        skip_missing: leave out None and NaN; weights do not fade by them (pandas' `ignore_na=True`), only by time.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running mean for each item, or the mean once. *NaN* makes the mean NaN, an infinity makes it infinite,
    infinities of both signs make it NaN: from then on. *State* six numbers a key, and the latest time. *Raises*
    `TypeError` for what is not a real number, None included, or not a time, and `OverflowError` for an integer that is
    too large for a float.

    Raises:
        PipelineError: not exactly one of alpha and halflife is given, or it is out of its range; or, with
            `time_mapper`, halflife is not a duration in whole milliseconds.

    >>> import rx, makiserve.stream as rs
    >>> round(rx.from_([1, 3]).pipe(rs.math.ewm_mean(halflife=1, reduce=True)).run(), 8)
    2.33333333
    >>> weights = rs.math.ewm_mean(lambda i: i[1], halflife="1h", time_mapper=lambda i: i[0], reduce=True)
    >>> round(rx.from_([(0, 1), (3_600_000, 3)]).pipe(weights).run(), 8)
    2.33333333
    """
    if time_mapper is not None:
        halflife_ms = timed_decay.halflife_from("ewm_mean", alpha, halflife)
        return operator(TimedEwmMean(key_mapper, reduce, halflife_ms, time_mapper, **missing))
    return operator(EwmMean(key_mapper, reduce, decay.decay_from("ewm_mean", alpha, halflife).keep, **missing))


@dataclass(frozen=True, eq=False)
class EwmMean(Fold):
    """The node of `ewm_mean`."""

    name: ClassVar[str] = "ewm_mean"
    keep: float = 0.0

    def reduction(self) -> Reduction:
        fading = decay.Decay(self.keep)
        return Reduction(decay.ZERO, fading.add, fading.merge, decay.mean, real)


@dataclass(frozen=True, eq=False)
class TimedFold(Fold):
    """A reduction that reads the time of an item together with its value."""

    halflife_ms: int = 1
    time_mapper: Callable[[Any], Any] | None = None

    @property
    def mappers(self) -> tuple[Callable[[Any], Any] | None, ...]:
        return self.key_mapper, self.time_mapper


@dataclass(frozen=True, eq=False)
class TimedEwmMean(TimedFold):
    """The node of `ewm_mean` with a `time_mapper`."""

    name: ClassVar[str] = "ewm_mean"

    def reduction(self) -> Reduction:
        return timed_decay.mean_reduction(self.halflife_ms)


def ewm_stddev(
    key_mapper: Callable[[Any], Any] | None = None,
    *,
    alpha: float | None = None,
    halflife: float | Duration | None = None,
    time_mapper: Callable[[Any], Any] | None = None,
    reduce: bool = False,
    **missing: Unpack[MissingValues],
) -> Transform:
    """Compute the exponentially weighted standard deviation: an item that n others have followed weighs (1 - alpha)^n.

    ```
    --1----2-----------3-----------|
      ewm_stddev(alpha=0.5)
    --0.0--0.70710678--0.96362411--|
    ```

    pandas' `ewm(alpha=…).std()`: corrected for bias, by the sum of the weights and that of their squares. With
    `time_mapper`, which pandas does not offer here, an item weighs 0.5^(age / halflife), as in `ewm_mean`.

    Args:
        key_mapper: the number to use; by default the item itself.
        alpha: how much each item takes away from those before it, greater than 0 and at most 1.
        halflife: instead of alpha: after how many items a weight has halved; alpha = 1 - 0.5^(1 / halflife). With
            `time_mapper`, the elapsed time after which it has: a timedelta, or text such as `6h`.
        time_mapper: the event time of an item, to weigh items by their age: a datetime (UTC if it has no zone) or
            integer milliseconds.
        reduce: emit only the final value, when the stream or its window completes.
        skip_missing: leave out None and NaN; weights do not fade by them (pandas' `ignore_na=True`), only by time.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running standard deviation for each item, or the final one once; 0.0 for fewer than two items, and for
    alpha = 1. *NaN* and infinities make the result NaN, from then on. *State* six numbers a key, and the latest time.
    *Raises* `TypeError` for what is not a real number, None included, or not a time, and `OverflowError` for an integer
    that is too large for a float.

    Raises:
        PipelineError: not exactly one of alpha and halflife is given, or it is out of its range; or, with
            `time_mapper`, halflife is not a duration in whole milliseconds.

    >>> import rx, makiserve.stream as rs
    >>> round(rx.from_([1, 2, 3]).pipe(rs.math.ewm_stddev(alpha=0.5, reduce=True)).run(), 8)
    0.96362411
    """
    if time_mapper is not None:
        halflife_ms = timed_decay.halflife_from("ewm_stddev", alpha, halflife)
        return operator(TimedEwmStddev(key_mapper, reduce, halflife_ms, time_mapper, **missing))
    return operator(EwmStddev(key_mapper, reduce, decay.decay_from("ewm_stddev", alpha, halflife).keep, **missing))


@dataclass(frozen=True, eq=False)
class EwmStddev(Fold):
    """The node of `ewm_stddev`."""

    name: ClassVar[str] = "ewm_stddev"
    keep: float = 0.0

    def reduction(self) -> Reduction:
        fading = decay.Decay(self.keep)
        return Reduction(decay.ZERO, fading.add, fading.merge, decay.stddev, real)


@dataclass(frozen=True, eq=False)
class TimedEwmStddev(TimedFold):
    """The node of `ewm_stddev` with a `time_mapper`."""

    name: ClassVar[str] = "ewm_stddev"

    def reduction(self) -> Reduction:
        return timed_decay.stddev_reduction(self.halflife_ms)
