"""`data.delta`: how much a value has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rx

from makiserve.stream.data.lag import lag
from makiserve.stream.engine.trace import Transform
from makiserve.stream.ops.map import map
from makiserve.stream.scalars import plain


def delta(key_mapper: Callable[[Any], Any] | None = None, size: int = 1) -> Transform:
    """Compute the difference between each item and the one `size` items before it.

    ```
    --1--4--9--16--|
      delta()
    --0--3--5--7---|
    ```

    pandas' `diff`, but for the first items, which are compared with the very first: their difference begins with 0,
    where pandas gives NaN.

    Args:
        key_mapper: the value to compare; by default the item itself.
        size: how many items back, at least 1.

    *Emits* one difference for each item. Scalars of numpy count as Python's numbers: the difference of two
    unsigned ones may be negative. *State* the last `size` values a key. *Raises* what `key_mapper` and the subtraction
    raise.

    Raises:
        PipelineError: size is less than 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 4, 9]).pipe(rs.data.delta()).subscribe(print).dispose()
    0
    3
    5
    """
    values = [] if key_mapper is None else [map(key_mapper)]
    differences: Transform = rx.pipe(*values, lag(size), map(lambda pair: plain(pair[1]) - plain(pair[0])))
    return differences
