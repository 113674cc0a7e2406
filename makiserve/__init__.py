"""makiserve: serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from makiserve.version import __version__

if TYPE_CHECKING:
    from makiserve.artifact.loader import load
    from makiserve.artifact.log import attach, log_features, log_model
    from makiserve.offline import TopicSpan, features_frame, replay
    from makiserve.records.record import Record, field
    from makiserve.scoring import Prediction
    from makiserve.stream.engine.trace import Transform

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

# Imported when asked for: `makiserve --help` does not wait for pandas, a pipeline's module not for MLflow.
_LATER = {
    "Prediction": "makiserve.scoring",
    "Record": "makiserve.records.record",
    "TopicSpan": "makiserve.offline",
    "Transform": "makiserve.stream.engine.trace",
    "attach": "makiserve.artifact",
    "features_frame": "makiserve.offline",
    "field": "makiserve.records.record",
    "load": "makiserve.artifact",
    "log_features": "makiserve.artifact",
    "log_model": "makiserve.artifact",
    "replay": "makiserve.offline",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'makiserve' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
