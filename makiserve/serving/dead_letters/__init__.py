"""Inspect and redrive dead letters: read the dead-letter topic and write its records back to the input."""

from __future__ import annotations

from makiserve.serving.dead_letters.dead_letter import (
    REDRIVE_LOG,
    DeadLetterFilter,
    StoredDeadLetter,
    waiting_dead_letters,
)
from makiserve.serving.dead_letters.redrive import Redrive, redrive_dead_letters

__all__ = [
    "REDRIVE_LOG",
    "DeadLetterFilter",
    "Redrive",
    "StoredDeadLetter",
    "redrive_dead_letters",
    "waiting_dead_letters",
]
