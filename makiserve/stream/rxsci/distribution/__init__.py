"""Distributions of a stream in a bounded number of bins, and their statistics."""

from makiserve.stream.rxsci.distribution.statistics import max, mean, min, quantile, stddev, variance
from makiserve.stream.rxsci.distribution.update import describe, histogram, merge, update

__all__ = ["describe", "histogram", "max", "mean", "merge", "min", "quantile", "stddev", "update", "variance"]
