"""A model is loaded, and held against what it was packaged with."""

from __future__ import annotations

import logging

from makiserve.errors import ModelRefused
from makiserve.packaging import PackagedModel, check_reference, load
from makiserve.settings import ModelSettings

logger = logging.getLogger(__name__)


def load_checked(what: ModelSettings, like: PackagedModel | None = None) -> PackagedModel:
    """Load the model of the settings and hold it against its reference records; see `load_served`."""
    model = load(str(what.model), features=what.features, like=like)
    if what.strict_environment and model.differences:
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
