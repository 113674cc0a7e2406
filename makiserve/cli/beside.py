"""The models that score beside the one that is served: a challenger for a share of the keys, a shadow."""

from __future__ import annotations

import re
from dataclasses import replace

from makiserve.cli.checked import load_checked
from makiserve.errors import AnotherPipeline, ConfigurationError
from makiserve.packaging import PackagedModel
from makiserve.settings import ModelSettings

SPLIT = re.compile(r"(?P<uri>.+)=(?P<percent>\d+(\.\d+)?)%")
REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)[/@].+")


def with_challenger(model: PackagedModel, what: ModelSettings) -> PackagedModel:
    """The model beside the one that --split names.

    Raises:
        ConfigurationError: it is not written as it should be, or the model cannot be split.
    """
    if what.split is None:
        return model
    uri, share = split(what.split, model.uri)
    if model.scorer().remembers_predictions:
        raise ConfigurationError(
            f"--split {what.split}: the post pipeline of {model.uri} remembers predictions, and would mix those of two "
            "models"
        )
    challenger = _load(uri, what, model, "--split")
    return replace(model, beside=model.beside._replace(challenger=challenger, share=share))


def with_shadow(model: PackagedModel, what: ModelSettings, uri: str) -> PackagedModel:
    """The model beside the one that --shadow names.

    Raises:
        ConfigurationError: that has another pipeline.
    """
    return replace(model, beside=model.beside._replace(shadow=_load(uri, what, model, "--shadow")))


def split(text: str, champion: str) -> tuple[str, float]:
    """The challenger's URI and share. A name alone is an alias of the champion's registered model.

    Raises:
        ConfigurationError: it is not written so.
    """
    found, registered = SPLIT.fullmatch(text), REGISTERED.fullmatch(champion)
    if not found or not 0 < float(found["percent"]) < 100:
        raise ConfigurationError(f"--split {text}: write models:/house@challenger=10%, a share between 0% and 100%")
    uri = found["uri"]
    if "/" not in uri and registered:
        uri = f"models:/{registered['name']}@{uri}"
    return uri, float(found["percent"]) / 100


def _load(uri: str, what: ModelSettings, model: PackagedModel, option: str) -> PackagedModel:
    if model.predictor is None:
        raise ConfigurationError(
            f"{option} {uri}: {model.uri} is a pipeline without a model, so that nothing stands beside it"
        )
    try:
        return load_checked(replace(what, model=uri), model)
    except AnotherPipeline as error:
        raise ConfigurationError(
            f"{option} {uri}: it must take the features that {model.uri} takes, of the same pipeline: {error}"
        ) from error
