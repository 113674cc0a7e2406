"""Scoring of files and topics offline: training frames, validation, comparison with the outputs of a service."""

from makiserve.offline.frame import features_frame
from makiserve.offline.metrics.metrics import Metrics
from makiserve.offline.run import Replayed, replay
from makiserve.offline.sources import TopicSpan
from makiserve.scoring.comparison import Comparison, compare

__all__ = ["Comparison", "Metrics", "Replayed", "TopicSpan", "compare", "features_frame", "replay"]
