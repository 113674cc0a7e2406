"""Variance and standard deviation of a whole population: n in the denominator."""

from makiserve.stream.math.formal.stddev import stddev
from makiserve.stream.math.formal.variance import variance

__all__ = ["stddev", "variance"]
