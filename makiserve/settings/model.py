"""What is served, replayed or checked."""

from __future__ import annotations

import re

from makiserve.settings.section import Section, option

ALIAS = re.compile(r"models:/[^/@]+(@.+|/latest)")


def is_alias(uri: str | None) -> bool:
    """Return whether a URI names an alias or the latest version, and so may name another model later."""
    return uri is not None and ALIAS.fullmatch(uri) is not None


class ModelSettings(Section, table=""):
    """The model, or the pipeline alone."""

    model: str | None = option(
        default=None, help="runs:/…/model, models:/name@alias, models:/name/1 or a path.", metavar="URI"
    )
    features: str | None = option(
        default=None,
        help="The pipeline, MODULE:FUNCTION or FILE.py:FUNCTION, of a model that was packaged without one; without a "
        "model its features are the output.",
        metavar="PIPELINE",
    )
    split: str | None = option(
        default=None,
        metavar="URI=SHARE%",
        help="A second model, of the same pipeline, that scores a share of the keys: models:/house@challenger=10%; an "
        "alias alone is one of the same registered model.",
    )
    emit: tuple[str, ...] = option(
        default=(),
        help="What an output holds: prediction, features, record, or fields of them such as record.house; several with "
        "commas, or repeated.",
        metavar="PART,…",
    )
    strict_environment: bool = option(
        default=False, help="Refuse a model that was packaged with other versions of Python or of what it requires."
    )
