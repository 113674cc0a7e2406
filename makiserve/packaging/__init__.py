"""A model and its pipeline as one MLflow artifact: logged, loaded, checked. The only importer of mlflow."""

from makiserve.packaging.features_only import FeaturesOnly, features_only
from makiserve.packaging.fetch import newest
from makiserve.packaging.load import load
from makiserve.packaging.log import attach, log_features, log_model
from makiserve.packaging.packaged import PackagedModel
from makiserve.packaging.reference.check import check_reference
from makiserve.packaging.registry import load_versioned
from makiserve.packaging.served import load_served
from makiserve.packaging.validation import Data, log_validation

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
