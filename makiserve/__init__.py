"""makiserve: serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from makiserve.schema.record import Record, field
from makiserve.stream.engine.trace import Transform

if TYPE_CHECKING:
    from makiserve.packaging import load, log_model
    from makiserve.replay import features_frame, replay

__version__ = "0.1.0"
__all__ = ["Record", "Transform", "__version__", "features_frame", "field", "load", "log_model", "replay"]

# A pipeline's module imports makiserve, and must not thereby wait for MLflow and pandas.
_LATER = {
    "features_frame": "makiserve.replay",
    "load": "makiserve.packaging",
    "log_model": "makiserve.packaging",
    "replay": "makiserve.replay",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'makiserve' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
