"""How logs look."""

from typing import Literal

from makiserve.settings.section import Section, option


class LogSettings(Section, table=""):
    """Logs."""

    log_format: Literal["text", "json"] = option(default="text", help="Lines for people, or JSON for machines.")
