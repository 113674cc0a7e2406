"""makiserve: serve an MLflow model on a Kafka stream, with the feature pipeline it was trained on."""

from typing import TYPE_CHECKING

from makiserve.lazy import lazy_names
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
    "Prediction": ".scoring",
    "Record": ".records.record",
    "TopicSpan": ".offline",
    "Transform": ".stream.engine.trace",
    "attach": ".artifact",
    "features_frame": ".offline",
    "field": ".records.record",
    "load": ".artifact",
    "log_features": ".artifact",
    "log_model": ".artifact",
    "replay": ".offline",
}

__getattr__ = lazy_names(__name__, _LATER)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
