"""What takes the outputs of a replay: a file, the metrics, a report, the frame of a notebook."""

from __future__ import annotations

from typing import Protocol

from makiserve.replaying.sources import Block
from makiserve.scoring import Scored


class Sink(Protocol):
    """It is given every block, in order, source by source, and keeps what it needs of it.

    A replay on several cores calls it as one on a single core would, in this process; what it does not need does not
    travel. A sink that keeps a bounded part of what it is given lets a replay of any length run in the same memory.

    Attributes:
        needs_records: whether it looks at `block.records`. What no sink needs is empty.
        needs_features: whether it looks at `scored.features`.
    """

    @property
    def needs_records(self) -> bool: ...
    @property
    def needs_features(self) -> bool: ...

    def take(self, block: Block, scored: Scored) -> None:
        """Take what a block became; `scored.causes` and `scored.dead` are indexes in the block."""
