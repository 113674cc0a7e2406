"""Statistics of a stream, a group or a window: running, or once at completion with `reduce=True`."""

from makiserve.stream.math import dist as dist
from makiserve.stream.math import formal as formal
from makiserve.stream.math.correlation import correlation
from makiserve.stream.math.covariance import covariance
from makiserve.stream.math.distinct_count import distinct_count
from makiserve.stream.math.ewm_mean import ewm_mean
from makiserve.stream.math.ewm_stddev import ewm_stddev
from makiserve.stream.math.max import max
from makiserve.stream.math.mean import mean
from makiserve.stream.math.median import median
from makiserve.stream.math.min import min
from makiserve.stream.math.quantile import quantile
from makiserve.stream.math.rate import rate
from makiserve.stream.math.slope import slope
from makiserve.stream.math.stddev import stddev
from makiserve.stream.math.sum import sum
from makiserve.stream.math.variance import variance

__all__ = [
    "correlation",
    "covariance",
    "distinct_count",
    "ewm_mean",
    "ewm_stddev",
    "max",
    "mean",
    "median",
    "min",
    "quantile",
    "rate",
    "slope",
    "stddev",
    "sum",
    "variance",
]
