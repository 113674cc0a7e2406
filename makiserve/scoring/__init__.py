"""The one scoring path: records, features, predictions, for serving, replay and training alike."""

from makiserve.scoring.predictor import Predictor
from makiserve.scoring.scorer import Batch, Lane, Scored, Scorer

__all__ = ["Batch", "Lane", "Predictor", "Scored", "Scorer"]
