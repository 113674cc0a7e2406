"""makiserve: serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from makiserve.schema.record import Record, field
from makiserve.stream.engine.trace import Transform
from makiserve.version import __version__

if TYPE_CHECKING:
    from makiserve.packaging.load import load
    from makiserve.packaging.log import attach, log_features, log_model
    from makiserve.replaying import TopicSpan, features_frame, replay
    from makiserve.scoring import Prediction

__all__ = [
    "Prediction",
    "Record",
    "TopicSpan",
    "Transform",
    "__version__",
    "attach",
    "features_frame",
    "field",
    "load",
    "log_features",
    "log_model",
    "replay",
]

# A pipeline's module imports makiserve, and must not thereby wait for MLflow and pandas.
_LATER = {
    "TopicSpan": "makiserve.replaying",
    "features_frame": "makiserve.replaying",
    "load": "makiserve.packaging",
    "attach": "makiserve.packaging",
    "log_features": "makiserve.packaging",
    "log_model": "makiserve.packaging",
    "replay": "makiserve.replaying",
    "Prediction": "makiserve.scoring",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'makiserve' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
