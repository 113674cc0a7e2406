"""Distributions of a stream in a bounded number of bins, and their statistics."""

from makiserve.stream.math.dist.histogram import histogram
from makiserve.stream.math.dist.merge import merge
from makiserve.stream.math.dist.statistics import max, mean, min, quantile, stddev, variance
from makiserve.stream.math.dist.update import describe, update

__all__ = ["describe", "histogram", "max", "mean", "merge", "min", "quantile", "stddev", "update", "variance"]
