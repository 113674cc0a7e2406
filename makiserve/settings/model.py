"""What is served, replayed or checked."""

from makiserve.settings.section import Section, option


class ModelSettings(Section, table=""):
    """The model."""

    model: str = option(help="runs:/…/model, models:/name@alias, models:/name/1 or a path.", metavar="URI")
