"""Which URIs may name another model tomorrow."""

from __future__ import annotations

import re

ALIAS = re.compile(r"models:/[^/@]+(@.+|/latest)")


def is_alias(uri: str | None) -> bool:
    """Whether it is that of an alias, or of the latest version."""
    return uri is not None and ALIAS.fullmatch(uri) is not None
