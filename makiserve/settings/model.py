"""What is served, replayed or checked."""

from makiserve.settings.section import Section, option


class ModelSettings(Section, table=""):
    """The model, or the pipeline alone."""

    model: str | None = option(
        default=None, help="runs:/…/model, models:/name@alias, models:/name/1 or a path.", metavar="URI"
    )
    features: str | None = option(
        default=None,
        help="A pipeline without a model, MODULE:FUNCTION or FILE.py:FUNCTION: its features are the output.",
        metavar="PIPELINE",
    )
