"""Scoring of files and topics offline: training frames, validation, comparison with the outputs of a service."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from makiserve.offline.frame import features_frame
    from makiserve.offline.metrics.metrics import Metrics
    from makiserve.offline.run import Replayed, replay
    from makiserve.offline.sources import TopicSpan
    from makiserve.scoring.comparison import Comparison, compare

__all__ = ["Comparison", "Metrics", "Replayed", "TopicSpan", "compare", "features_frame", "replay"]

# Imported when asked for: `features_frame` does not wait for MLflow and scikit-learn.
_LATER = {
    "Comparison": "makiserve.scoring.comparison",
    "Metrics": "makiserve.offline.metrics.metrics",
    "Replayed": "makiserve.offline.run",
    "TopicSpan": "makiserve.offline.sources",
    "compare": "makiserve.scoring.comparison",
    "features_frame": "makiserve.offline.frame",
    "replay": "makiserve.offline.run",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'makiserve.offline' has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
