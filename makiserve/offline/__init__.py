"""Scoring of files and topics offline: training frames, validation, comparison with the outputs of a service."""

from typing import TYPE_CHECKING

from makiserve.lazy import lazy_names

if TYPE_CHECKING:
    from makiserve.offline.feed import Selection
    from makiserve.offline.frame import features_frame
    from makiserve.offline.metrics.quality import Metrics
    from makiserve.offline.replay_run import Replayed, replay
    from makiserve.offline.sources import TopicSpan
    from makiserve.scoring.comparison import Comparison, compare

__all__ = ["Comparison", "Metrics", "Replayed", "Selection", "TopicSpan", "compare", "features_frame", "replay"]

# Imported when asked for: `features_frame` does not wait for MLflow and scikit-learn.
_LATER = {
    "Comparison": "..scoring.comparison",
    "Metrics": ".metrics.quality",
    "Replayed": ".replay_run",
    "Selection": ".feed",
    "TopicSpan": ".sources",
    "compare": "..scoring.comparison",
    "features_frame": ".frame",
    "replay": ".replay_run",
}

__getattr__ = lazy_names(__name__, _LATER)
