"""Log, load and check a model and its pipeline as one MLflow artifact. Only this package imports mlflow."""

from typing import TYPE_CHECKING

from makiserve.lazy import lazy_names

if TYPE_CHECKING:
    from makiserve.artifact.fetch import newest
    from makiserve.artifact.loader import load
    from makiserve.artifact.log import attach, log_features, log_model
    from makiserve.artifact.packaged import FeaturesOnly, PackagedModel, features_only, outputs_noun
    from makiserve.artifact.reference.reproduction import check_reference
    from makiserve.artifact.registry import load_versioned
    from makiserve.artifact.roles import load_served
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
    "outputs_noun",
]

# Imported when asked for: an executor that computes features imports their sources without MLflow.
_LATER = {
    "Data": ".validation",
    "FeaturesOnly": ".packaged",
    "PackagedModel": ".packaged",
    "attach": ".log",
    "check_reference": ".reference.reproduction",
    "features_only": ".packaged",
    "load": ".loader",
    "load_served": ".roles",
    "load_versioned": ".registry",
    "log_features": ".log",
    "log_model": ".log",
    "log_validation": ".validation",
    "newest": ".fetch",
    "outputs_noun": ".packaged",
}

__getattr__ = lazy_names(__name__, _LATER)
