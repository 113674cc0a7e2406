"""Tools for testing your own pipelines and services."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from makiserve.testing.driver import DeadLetter, Output, PipelineDriver
    from makiserve.testing.repeatable import assert_repeatable

__all__ = ["DeadLetter", "Output", "PipelineDriver", "assert_repeatable"]

# Imported when asked for: a broker for tests starts without the libraries of a pipeline.
_LATER = {"DeadLetter": "driver", "Output": "driver", "PipelineDriver": "driver", "assert_repeatable": "repeatable"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
