"""The scoring path over files: training frames, offline validation, comparison with what was served."""

from makiserve.replay.compare import Comparison, compare
from makiserve.replay.frame import features_frame
from makiserve.replay.metrics import Metrics
from makiserve.replay.run import Replayed, replay

__all__ = ["Comparison", "Metrics", "Replayed", "compare", "features_frame", "replay"]
