"""Quantiles in bounded memory: what `math.quantile` and `math.median` keep.

The values themselves, up to `EXACT` of them; beyond that a t-digest (Dunning, "The t-digest: Efficient estimates of
distributions", Software Impacts 7, 2021) of Apache DataSketches, to which they are added `EXACT` at a time. It is kept
as bytes, so that a partial result is immutable; unlike the KLL sketch it draws no random numbers: the same items give
the same bytes. An item's rank is off by less than 1 % in the middle, much less at the ends (tested).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from datasketches import tdigest_double  # type: ignore[import-untyped]

EXACT = 256
COMPRESSION = 400

Partial = tuple[bytes, tuple[float, ...]]
"""The digest, empty while there is none, and the values that are not in it yet."""

ZERO: Partial = (b"", ())


def add(partial: Partial, value: Any) -> Partial:
    """The digest with one value more.

    Raises:
        ValueError: it is not a number: it has no place in an order.
    """
    number = float(value)
    if number != number:
        raise ValueError("NaN has no rank: filter it, or fill it")
    digest, values = partial
    if len(values) == EXACT:
        return _absorb(digest, values), (number,)
    return digest, (*values, number)


def merge(earlier: Partial, later: Partial) -> Partial:
    """The digest of two parts."""
    digest, values = earlier[0], earlier[1] + later[1]
    if later[0]:
        merged = tdigest_double.deserialize(later[0])
        if digest:
            merged.merge(tdigest_double.deserialize(digest))
        digest = merged.serialize()
    return (_absorb(digest, values), ()) if len(values) > EXACT else (digest, values)


def quantile(partial: Partial, q: float) -> float | None:
    """The value with a share `q` of the others below it, interpolated; None for no value."""
    digest, values = partial
    if not digest:
        return float(np.quantile(values, q)) if values else None
    return float(_filled(digest, values).get_quantile(q))


def _absorb(digest: bytes, values: tuple[float, ...]) -> bytes:
    return bytes(_filled(digest, values).serialize())


def _filled(digest: bytes, values: tuple[float, ...]) -> tdigest_double:
    sketch = tdigest_double.deserialize(digest) if digest else tdigest_double(COMPRESSION)
    if values:
        sketch.update(np.array(values))
    return sketch
