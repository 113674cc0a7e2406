"""Dead letters, once somebody looks at them: what is in the topic, and how they are put back into the input."""

from __future__ import annotations

from makiserve.serving.dead_letters.letter import DeadLetter, Position, Waiting, waiting
from makiserve.serving.dead_letters.redrive import Redrive, redrive_dead_letters

__all__ = ["DeadLetter", "Position", "Redrive", "Waiting", "redrive_dead_letters", "waiting"]
