"""Distributions of a stream, in bins of bounded number, and what can be read from them."""

from makiserve.stream.math.dist.describe import describe
from makiserve.stream.math.dist.histogram import histogram
from makiserve.stream.math.dist.max import max
from makiserve.stream.math.dist.mean import mean
from makiserve.stream.math.dist.merge import merge
from makiserve.stream.math.dist.min import min
from makiserve.stream.math.dist.quantile import quantile
from makiserve.stream.math.dist.stddev import stddev
from makiserve.stream.math.dist.update import update
from makiserve.stream.math.dist.variance import variance

__all__ = ["describe", "histogram", "max", "mean", "merge", "min", "quantile", "stddev", "update", "variance"]
