"""Tools for testing your own pipelines and services."""

from makiserve.testing.driver import DeadLetter, Output, PipelineDriver
from makiserve.testing.repeatable import assert_repeatable

__all__ = ["DeadLetter", "Output", "PipelineDriver", "assert_repeatable"]
