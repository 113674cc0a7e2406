"""Distributions of a stream in a bounded number of bins, and their statistics."""

from makiserve.stream.math.dist.update import describe
from makiserve.stream.math.dist.histogram import histogram
from makiserve.stream.math.dist.statistics import max
from makiserve.stream.math.dist.statistics import mean
from makiserve.stream.math.dist.merge import merge
from makiserve.stream.math.dist.statistics import min
from makiserve.stream.math.dist.statistics import quantile
from makiserve.stream.math.dist.statistics import stddev
from makiserve.stream.math.dist.update import update
from makiserve.stream.math.dist.statistics import variance

__all__ = ["describe", "histogram", "max", "mean", "merge", "min", "quantile", "stddev", "update", "variance"]
