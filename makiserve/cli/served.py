"""What is served or replayed: a packaged model, checked, or a pipeline alone."""

from __future__ import annotations

import logging

from makiserve.errors import ConfigurationError
from makiserve.packaging import FeaturesOnly, PackagedModel, check_reference, features_only, load
from makiserve.settings import ModelSettings

logger = logging.getLogger(__name__)


def load_served(what: ModelSettings) -> PackagedModel | FeaturesOnly:
    """Load it; a model is held against its reference records.

    Raises:
        ConfigurationError: it is not there.
        ModelRefused: the model must not serve.
    """
    if what.features and what.model:
        raise ConfigurationError("--features deploys a pipeline without a model: give --model or --features")
    if what.features:
        return features_only(what.features)
    if not what.model:
        raise ConfigurationError("give the --model to serve or to replay, or the pipeline alone with --features")
    model = load(what.model)
    for difference in model.differences:
        logger.warning("environment: %s", difference)
    check_reference(model)
    logger.info("%s gives its %d reference outputs", what.model, len(model.reference.outputs))
    return model
