"""The one scoring path: records, features, predictions, post, for serving, replay and training alike."""

from makiserve.scoring.batch import Batch, Lane, Scored
from makiserve.scoring.output import Encoded, Outputs
from makiserve.scoring.post import Posted, Prediction
from makiserve.scoring.predictor import Predictor
from makiserve.scoring.scorer import Scorer
from makiserve.scoring.served import ALONE, PLACES, Beside, Place, Registry, Served

__all__ = [
    "ALONE",
    "PLACES",
    "Batch",
    "Beside",
    "Encoded",
    "Lane",
    "Outputs",
    "Place",
    "Posted",
    "Prediction",
    "Predictor",
    "Registry",
    "Scored",
    "Scorer",
    "Served",
]
