"""The scoring path that serving, replay and training share: records, features, predictions, post-processing."""

from makiserve.scoring.output import EncodedOutputs, Outputs
from makiserve.scoring.post import Prediction
from makiserve.scoring.predictor import Predictor
from makiserve.scoring.scored import Batch, Dead, Lane, Posted, Scored
from makiserve.scoring.scorer import Scorer
from makiserve.scoring.served import ALONE, ROLES, ModelGroup, Registry, Role, Served

__all__ = [
    "ALONE",
    "ROLES",
    "Batch",
    "Dead",
    "EncodedOutputs",
    "Lane",
    "ModelGroup",
    "Outputs",
    "Posted",
    "Prediction",
    "Predictor",
    "Registry",
    "Role",
    "Scored",
    "Scorer",
    "Served",
]
