"""Exponentially weighted moments: the state of `math.ewm_mean` and `math.ewm_stddev`.

An item that `n` others have followed weighs `keep ** n`, with `keep = 1 - alpha`. Adding follows West ("Updating Mean
and Variance Estimates: An Improved Method", CACM 22, 1979), with weights that fade. Merging follows Chan et al. (1983):
the earlier part fades by the length of the later one. The results are those of pandas' `ewm(adjust=True)`.

The mean is kept in twice the precision of a float, as an unevaluated sum: deviations from a large mean keep their
digits, and a huge value does not cost the values after it any.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from numbers import Real
from typing import Any

from makiserve.errors import PipelineError
from makiserve.stream.math.moments import nothing, overflowed

Partial = tuple[int, float, float, float, float, float]
"""Count, mean, its rounding error, weighted squares of deviations, sum of weights, sum of their squares."""

ZERO: Partial = (0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Decay:
    """Exponential decay: `keep` is the share of a weight that is left after each item."""

    keep: float

    def add(self, partial: Partial, value: float) -> Partial:
        """Return the moments with one more value."""
        count, mean, rest, squares, before, weights2 = partial
        if not count:
            return 1, value, 0.0, nothing(value), 1.0, 1.0
        before *= self.keep
        weight = before + 1.0
        deviation = (value - mean) - rest
        grown = squares * self.keep + deviation * deviation * before / weight
        if grown - grown != 0:
            grown = overflowed(squares, nothing(value))
        mean, rest = (
            _moved(value, 0.0, mean, rest, before / weight)
            if before < 1.0
            else _moved(mean, rest, value, 0.0, 1.0 / weight)
        )
        return count + 1, mean, rest, grown, weight, weights2 * self.keep * self.keep + 1.0

    def merge(self, earlier: Partial, later: Partial) -> Partial:
        """Return the moments of two consecutive parts."""
        return joined(earlier, later, self.keep ** later[0])


def joined(earlier: Partial, later: Partial, keep: float) -> Partial:
    """Return the moments of two parts, if the share `keep` of the earlier one's weights is left."""
    if not earlier[0] or not later[0]:
        return later if later[0] else earlier
    before, weight = earlier[4] * keep, earlier[4] * keep + later[4]
    deviation = (later[1] - earlier[1]) + (later[2] - earlier[2])
    grown = earlier[3] * keep + later[3] + deviation * deviation * before * later[4] / weight
    if grown - grown != 0:
        grown = overflowed(earlier[3], later[3])
    mean, rest = (
        _moved(*later[1:3], *earlier[1:3], before / weight)
        if before < later[4]
        else _moved(*earlier[1:3], *later[1:3], later[4] / weight)
    )
    return earlier[0] + later[0], mean, rest, grown, weight, earlier[5] * keep * keep + later[5]


def _moved(mean: float, rest: float, other: float, other_rest: float, share: float) -> tuple[float, float]:
    """Return a mean moved towards another by a share of at most a half, and its rounding error (Knuth 1969).

    The heavier part is moved, so that a huge value leaves no error behind when its weight has faded.
    """
    change = rest + ((other - mean) + (other_rest - rest)) * share
    moved = mean + change
    if moved - moved != 0:
        return _moved_beyond(mean, other, share), 0.0
    back = moved - mean
    return moved, (mean - (moved - back)) + (change - back)


def _moved_beyond(mean: float, other: float, share: float) -> float:
    """Return the moved mean if a difference overflows, or if either is infinite or NaN."""
    if mean - mean == 0 and other - other == 0:
        return mean * (1.0 - share) + other * share
    return mean + other


def decay_from(name: str, alpha: float | None, halflife: Any) -> Decay:
    """Return the decay given by one of two parameters.

    Raises:
        PipelineError: not exactly one is given, or it is out of its range.
    """
    if (alpha is None) == (halflife is None):
        raise PipelineError(f"{name}: give either alpha or halflife")
    if halflife is not None:
        if not isinstance(halflife, Real) or not float(halflife) > 0:
            raise PipelineError(
                f"{name}: halflife must be a number greater than 0, not {halflife!r:.80}. "
                "For a duration, give time_mapper, too"
            )
        return Decay(exp(-log(2) / float(halflife)))
    if not isinstance(alpha, Real) or not 0 < alpha <= 1:
        raise PipelineError(f"{name}: alpha must be a number greater than 0 and at most 1, not {alpha!r:.80}")
    return Decay(1 - float(alpha))


def mean(partial: Partial) -> float | None:
    """Return the weighted mean; None without values."""
    return partial[1] if partial[0] else None


def stddev(partial: Partial) -> float:
    """Return the weighted standard deviation, corrected for bias.

    It is 0.0 for fewer than two values that weigh anything, but NaN once one was NaN or infinite.
    """
    _, _, _, squares, weight, weights2 = partial
    freedom = weight * weight - weights2
    if squares != squares:
        return squares
    return sqrt(squares * weight / freedom) if freedom > 0 else 0.0
