"""Log, load and check a model and its pipeline as one MLflow artifact. Only this package imports mlflow."""

from makiserve.artifact.fetch import newest
from makiserve.artifact.load import load
from makiserve.artifact.log import attach, log_features, log_model
from makiserve.artifact.packaged import FeaturesOnly, PackagedModel, features_only
from makiserve.artifact.reference.check import check_reference
from makiserve.artifact.registry import load_versioned
from makiserve.artifact.served import load_served
from makiserve.artifact.validation import Data, log_validation

__all__ = [
    "Data",
    "FeaturesOnly",
    "PackagedModel",
    "attach",
    "check_reference",
    "features_only",
    "load",
    "load_served",
    "load_versioned",
    "log_features",
    "log_model",
    "log_validation",
    "newest",
]
