"""The scoring path over files: training frames, offline validation, comparison with what was served."""

from makiserve.replaying.comparison.compare import Comparison, compare
from makiserve.replaying.frame import features_frame
from makiserve.replaying.metrics.metrics import Metrics
from makiserve.replaying.replayed import Replayed
from makiserve.replaying.run import replay
from makiserve.replaying.sources import TopicSpan

__all__ = ["Comparison", "Metrics", "Replayed", "TopicSpan", "compare", "features_frame", "replay"]
