"""What is served or replayed: a packaged model, checked, or a pipeline alone."""

from __future__ import annotations

import logging
from dataclasses import replace

from makiserve.errors import ConfigurationError, ModelRefused
from makiserve.packaging import FeaturesOnly, PackagedModel, check_reference, features_only, load
from makiserve.settings import ModelSettings

logger = logging.getLogger(__name__)


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
        served = _checked(load(what.model, features=what.features, like=like), strict=what.strict_environment)
    elif what.features:
        served = features_only(what.features)
    else:
        raise ConfigurationError("give the --model to serve or to replay, or the pipeline alone with --features")
    served = replace(served, emit=tuple(part for each in what.emit for part in each.split(",")))
    served.outputs()  # what cannot be emitted is refused here
    return served


def _checked(model: PackagedModel, *, strict: bool) -> PackagedModel:
    if strict and model.differences:
        raise ModelRefused(
            f"{model.uri} was packaged in another environment, and --strict-environment asks for the same:\n  "
            + "\n  ".join(model.differences)
        )
    for difference in model.differences:
        logger.warning("environment: %s", difference)
    check_reference(model)
    if model.reference.records:
        logger.info("%s gives its %d reference outputs", model.uri, len(model.reference.outputs))
    else:
        logger.warning(
            "%s has no reference records: nobody knows whether it predicts here as it did elsewhere", model.uri
        )
    return model
