"""The value that lies furthest one way: what `math.min` and `math.max` keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from makiserve.stream.engine.fold import Reduction
from makiserve.stream.scalars import plain


def extreme(is_further: Callable[[Any, Any], bool]) -> Reduction:
    """Return the reduction to the first value that no other is further than; NaN is further than any value."""

    def further(kept: Any, value: Any) -> Any:
        return value if kept is None or is_further(value, kept) or value != value else kept

    return Reduction(
        None, further, lambda earlier, later: earlier if later is None else further(earlier, later), read=comparable
    )


def comparable(value: Any) -> Any:
    """Return a value that can be compared, a numeric scalar of numpy as a Python number.

    Raises:
        TypeError: it is None.
    """
    if value is None:
        raise TypeError("None cannot be compared: fill it, filter it, or reduce with skip_missing=True")
    return plain(value)
