"""Load a model with its challenger and its shadow, or a pipeline alone, for a service or a replay.

```
load_served          the model, checked, with the challenger of --split
load_versioned       also the shadow of --shadow, and the registry for later versions
```
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace

from makiserve.artifact.loader import load
from makiserve.artifact.packaged import FeaturesOnly, PackagedModel, features_only
from makiserve.artifact.reference.reproduction import check_reference
from makiserve.errors import ConfigurationError, ModelRefused, PipelineChanged
from makiserve.settings import ModelSettings

logger = logging.getLogger(__name__)

SPLIT = re.compile(r"(?P<uri>.+)=(?P<percent>\d+(\.\d+)?)%")
REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)[/@].+")


def load_served(what: ModelSettings, like: PackagedModel | None = None) -> PackagedModel | FeaturesOnly:
    """Load the model of the settings, checked against its reference records, or the pipeline alone.

    Args:
        what: the settings that name the model or the pipeline.
        like: a model that is served already and whose pipeline the new one must have; None for any pipeline.

    Raises:
        PipelineChanged: the model has a pipeline other than that of `like`.
        ConfigurationError: the model does not exist, or the settings contradict each other.
        ModelRefused: the model must not serve.
    """
    served: PackagedModel | FeaturesOnly
    if what.model:
        served = _with_challenger(_load_checked(what, like), what)
    elif what.features and what.split:
        raise ConfigurationError("--split needs two models, but --features alone serves none. Give --model as well")
    elif what.features:
        served = features_only(what.features)
    else:
        raise ConfigurationError(
            "give the model to serve or replay with --model, or a pipeline without a model with --features"
        )
    served = replace(served, emit=tuple(part for parts in what.emit for part in parts.split(",")))
    served.outputs()  # raises if `emit` names what does not exist
    return served


def with_shadow(model: PackagedModel, what: ModelSettings, uri: str) -> PackagedModel:
    """Return the model with the shadow that --shadow names.

    Raises:
        ConfigurationError: the shadow has another pipeline.
    """
    return replace(model, companions=model.companions._replace(shadow=_load_companion(uri, what, model, "--shadow")))


def challenger_and_share(split: str, champion: str) -> tuple[str, float]:
    """Return the URI of the challenger and its share of the keys, 0 to 1.

    Args:
        split: the text of --split. A name without a path is an alias of the champion's registered model.
        champion: the URI of the champion.

    Raises:
        ConfigurationError: the text does not have this form.
    """
    parts, registered = SPLIT.fullmatch(split), REGISTERED.fullmatch(champion)
    if not parts or not 0 < float(parts["percent"]) < 100:
        raise ConfigurationError(
            f"--split {split}: expected a model and a share between 0% and 100%, such as models:/house@challenger=10%"
        )
    uri = parts["uri"]
    if "/" not in uri and registered:
        uri = f"models:/{registered['name']}@{uri}"
    return uri, float(parts["percent"]) / 100


def _with_challenger(model: PackagedModel, what: ModelSettings) -> PackagedModel:
    if what.split is None:
        return model
    uri, share = challenger_and_share(what.split, model.uri)
    if model.scorer().remembers_predictions:
        raise ConfigurationError(
            f"--split {what.split}: the post-processing pipeline of {model.uri} keeps state of past predictions, "
            "which a split would mix from two models. Serve the second model with --shadow"
        )
    challenger = _load_companion(uri, what, model, "--split")
    return replace(model, companions=model.companions._replace(challenger=challenger, share=share))


def _load_companion(uri: str, what: ModelSettings, model: PackagedModel, option: str) -> PackagedModel:
    """Load a challenger or a shadow; it must have the pipeline of the champion."""
    if model.predictor is None:
        raise ConfigurationError(
            f"{option} {uri}: {model.uri} is a pipeline without a model, so there is nothing to compare with"
        )
    try:
        return _load_checked(replace(what, model=uri), model)
    except PipelineChanged as error:
        raise ConfigurationError(
            f"{option} {uri}: it must take the features of {model.uri}, from the same pipeline: {error}"
        ) from error


def _load_checked(what: ModelSettings, like: PackagedModel | None) -> PackagedModel:
    """Load a model and compare its outputs with its reference outputs."""
    model = load(str(what.model), features=what.features, like=like)
    if what.strict_environment and model.differences:
        raise ModelRefused(
            f"{model.uri} was packaged in another environment, which --strict-environment does not allow:\n  "
            + "\n  ".join(model.differences)
        )
    for difference in model.differences:
        logger.warning("environment: %s", difference)
    check_reference(model)
    if model.reference.records:
        logger.info("%s reproduces its %d reference outputs", model.uri, len(model.reference.outputs))
    else:
        logger.warning("%s has no reference records, so its predictions in this environment are not checked", model.uri)
    return model
