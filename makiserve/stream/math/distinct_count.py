"""`math.distinct_count`: the number of distinct items, in bounded memory.

Its state is the 64-bit hashes of the values, up to `EXACT` of them; beyond that a HyperLogLog sketch (Flajolet et al.,
AofA 2007) of Apache DataSketches, to which they are added `EXACT` at a time. It is kept as bytes, so that a partial
result is immutable. The hashes are sorted, so that the same items give the same bytes in any process.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np
from datasketches import hll_sketch, hll_union  # type: ignore[import-untyped]

from makiserve.stream.engine.fold import Fold, MissingValues, Reduction
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.scalars import plain

if TYPE_CHECKING:
    from typing_extensions import Unpack

EXACT = 256
LOG2_REGISTERS = 12  # a standard error of 1.04 / sqrt(4096): 1.6 %

_NATIVE = (int, float, str, bytes)

Partial = tuple[bytes, tuple[int, ...]]
"""The sketch, empty if there is none yet, and the sorted hashes that are not in it yet."""

ZERO: Partial = (b"", ())


def distinct_count(
    key_mapper: Callable[[Any], Any] | None = None, reduce: bool = False, **missing: Unpack[MissingValues]
) -> Transform:
    """Count the distinct items: exact up to 256, then from a HyperLogLog sketch (Flajolet et al. 2007).

    ```
    --a--b--a--c--|
      distinct_count()
    --1--2--2--3--|
    ```

    Beyond 256 the standard error is 1.6 %. Equal numbers are one value, whatever their types.

    Args:
        key_mapper: the value to count: a number, text, bytes, a time, a tuple or Record of such; by default the item.
        reduce: emit only the final count, when the stream or its window completes; 0 for an empty stream.
        skip_missing: leave out None and NaN.
        min_periods: how many values the result needs; it is None for fewer.

    *Emits* the running count for each item, or the count once. *NaN* is one value, and None is one. *State* at most 256
    integers and 4 KB a key. *Raises* `TypeError` for a value of another kind.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_("abac").pipe(rs.math.distinct_count(reduce=True)).run()
    3
    """
    return operator(DistinctCount(key_mapper, reduce, **missing))


@dataclass(frozen=True, eq=False)
class DistinctCount(Fold):
    """The node of `distinct_count`."""

    name: ClassVar[str] = "distinct_count"

    def reduction(self) -> Reduction:
        return Reduction(ZERO, add_value, merge_partials, count_values)


def add_value(partial: Partial, value: Any) -> Partial:
    """Return the partial result with one more value.

    Raises:
        TypeError: the value cannot be encoded as bytes to be compared.
    """
    sketch, hashes = partial
    hash_ = _hash(value)
    place = bisect_left(hashes, hash_)
    if place < len(hashes) and hashes[place] == hash_:
        return partial
    return _bounded(sketch, (*hashes[:place], hash_, *hashes[place:]))


def merge_partials(earlier: Partial, later: Partial) -> Partial:
    """Return the partial result of two parts."""
    sketch = earlier[0] or later[0]
    if earlier[0] and later[0]:
        union = hll_union(LOG2_REGISTERS)
        for part in (earlier[0], later[0]):
            union.update(hll_sketch.deserialize(part))
        sketch = bytes(union.get_result().serialize_compact())
    return _bounded(sketch, tuple(sorted({*earlier[1], *later[1]})))


def count_values(partial: Partial) -> int:
    """Return the number of distinct values, which is exact until a sketch is needed."""
    sketch, hashes = partial
    return round(_filled(sketch, hashes).get_estimate()) if sketch else len(hashes)


def _bounded(sketch: bytes, hashes: tuple[int, ...]) -> Partial:
    if len(hashes) <= EXACT:
        return sketch, hashes
    return bytes(_filled(sketch, hashes).serialize_compact()), ()


def _filled(sketch: bytes, hashes: tuple[int, ...]) -> hll_sketch:
    filled = hll_sketch.deserialize(sketch) if sketch else hll_sketch(LOG2_REGISTERS)
    for hash_ in hashes:
        filled.update(hash_)
    return filled


def _hash(value: Any) -> int:
    data = msgspec.msgpack.encode(_same(value))
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)


def _same(value: Any) -> Any:
    """Return one form for equal values, such as 1, 1.0 and True, that MessagePack can encode.

    A value that MessagePack would write as text, such as a decimal or a date, is not the same as that text.
    """
    if isinstance(value, (tuple, list)):
        return [_same(element) for element in value]
    value = plain(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (Decimal, Fraction)) and value == float(value):
        value = float(value)
    if value != value:
        return math.nan
    if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    if isinstance(value, int) and value.bit_length() > 63:
        return msgspec.msgpack.Ext(0, hex(value).encode())
    if value is None or isinstance(value, _NATIVE):
        return value
    if isinstance(value, Decimal):
        value = _without_zeros(value)
    return msgspec.msgpack.Ext(1, msgspec.msgpack.encode([type(value).__name__, value], enc_hook=_text))


def _without_zeros(value: Decimal) -> Decimal:
    """Return a finite decimal without zeros at its end: 0.10 and 0.1 are equal."""
    sign, digits, exponent = value.as_tuple()
    kept = "".join(map(str, digits)).rstrip("0")
    return Decimal((sign, tuple(map(int, kept)), int(exponent) + len(digits) - len(kept)))


def _text(value: Any) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be counted")
