"""Dead letters, once somebody looks at them: what is in the topic, and how they are put back into the input."""

from makiserve.serving.letters.letter import DeadLetter, Position
from makiserve.serving.letters.put_back import PutBack, put_back
from makiserve.serving.letters.waiting import Waiting, waiting

__all__ = ["DeadLetter", "Position", "PutBack", "Waiting", "put_back", "waiting"]
