"""Scoring of files and topics offline: training frames, validation, comparison with the outputs of a service."""

from makiserve.offline.comparison.compare import Comparison, compare
from makiserve.offline.frame import features_frame
from makiserve.offline.metrics.metrics import Metrics
from makiserve.offline.run import Replayed, replay
from makiserve.offline.sources import TopicSpan

__all__ = ["Comparison", "Metrics", "Replayed", "TopicSpan", "compare", "features_frame", "replay"]
