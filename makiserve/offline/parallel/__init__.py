"""A replay on several cores."""

from __future__ import annotations
