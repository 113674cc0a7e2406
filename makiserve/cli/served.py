"""What is served or replayed: a packaged model, checked, or a pipeline alone."""

from __future__ import annotations

from dataclasses import replace

from makiserve.cli.beside import with_challenger
from makiserve.cli.checked import load_checked
from makiserve.errors import ConfigurationError
from makiserve.packaging import FeaturesOnly, PackagedModel, features_only
from makiserve.settings import ModelSettings


def load_served(what: ModelSettings, like: PackagedModel | None = None) -> PackagedModel | FeaturesOnly:
    """Load it; a model is held against its reference records.

    Args:
        what: to load.
        like: a model that is served already, whose pipeline it must have; None for any.

    Raises:
        AnotherPipeline: it has another one.
        ConfigurationError: it is not there.
        ModelRefused: the model must not serve.
    """
    served: PackagedModel | FeaturesOnly
    if what.model:
        served = with_challenger(load_checked(what, like), what)
    elif what.features and what.split:
        raise ConfigurationError("--split is for two models, and --features alone deploys none")
    elif what.features:
        served = features_only(what.features)
    else:
        raise ConfigurationError("give the --model to serve or to replay, or the pipeline alone with --features")
    served = replace(served, emit=tuple(part for each in what.emit for part in each.split(",")))
    served.outputs()  # what cannot be emitted is refused here
    return served
