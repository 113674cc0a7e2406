"""Inspect and redrive dead letters: read the dead-letter topic and write its records back to the input."""

from __future__ import annotations

from makiserve.serving.dead_letters.dead_letter import REDRIVE_LOG, StoredDeadLetter, Waiting, waiting
from makiserve.serving.dead_letters.redrive import Redrive, redrive_dead_letters

__all__ = ["REDRIVE_LOG", "Redrive", "StoredDeadLetter", "Waiting", "redrive_dead_letters", "waiting"]
