"""Tools for testing your own pipelines and services."""

from typing import TYPE_CHECKING

from makiserve.lazy import lazy_names

if TYPE_CHECKING:
    from makiserve.testing.driver import DeadLetter, Output, PipelineDriver
    from makiserve.testing.repeatable import assert_repeatable

__all__ = ["DeadLetter", "Output", "PipelineDriver", "assert_repeatable"]

# Imported when asked for: a broker for tests starts without the libraries of a pipeline.
_LATER = {"DeadLetter": ".driver", "Output": ".driver", "PipelineDriver": ".driver", "assert_repeatable": ".repeatable"}

__getattr__ = lazy_names(__name__, _LATER)
