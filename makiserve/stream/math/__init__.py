"""Statistics of a stream, a group or a window: running, or once at completion with `reduce=True`."""

from makiserve.stream.math import formal as formal
from makiserve.stream.math.covariance import correlation, covariance, slope
from makiserve.stream.math.distinct_count import distinct_count
from makiserve.stream.math.ewm import ewm_mean, ewm_stddev
from makiserve.stream.math.extreme_items import argmax, argmin, top_k
from makiserve.stream.math.extremes import max, min
from makiserve.stream.math.mean import mean
from makiserve.stream.math.quantile import median, quantile
from makiserve.stream.math.rate import rate
from makiserve.stream.math.skew import skew
from makiserve.stream.math.sum import sum
from makiserve.stream.math.variance import stddev, variance
from makiserve.stream.rxsci import distribution

dist = distribution  # RxSci's name, assigned: type checkers would not export `import … as dist`

__all__ = [
    "argmax",
    "argmin",
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
    "skew",
    "slope",
    "stddev",
    "sum",
    "top_k",
    "variance",
]
