"""A model and its pipeline as one MLflow artifact: logged, loaded, checked. The only importer of mlflow."""

from makiserve.packaging.features_only import FeaturesOnly, features_only
from makiserve.packaging.load import PackagedModel, load
from makiserve.packaging.log import log_model
from makiserve.packaging.reference.check import check_reference
from makiserve.packaging.validation import Data, log_validation

__all__ = [
    "Data",
    "FeaturesOnly",
    "PackagedModel",
    "check_reference",
    "features_only",
    "load",
    "log_model",
    "log_validation",
]
