"""Statistics of a stream, a group or a window: running, or once at completion with `reduce=True`."""

from makiserve.stream.math.max import max
from makiserve.stream.math.mean import mean
from makiserve.stream.math.min import min
from makiserve.stream.math.stddev import stddev
from makiserve.stream.math.sum import sum
from makiserve.stream.math.variance import variance

__all__ = ["max", "mean", "min", "stddev", "sum", "variance"]
