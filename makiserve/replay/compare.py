"""Whether two runs gave the same outputs: position by position, in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Position = tuple[str, int]
Output = tuple[Position, bytes]


@dataclass(frozen=True)
class Comparison:
    """What was found; the runs agree when nothing differs, in content, count or order.

    Attributes:
        equal: outputs that are the same, byte for byte, in the same place.
        different: positions where both runs have an output and the outputs differ.
        missing: positions that only the expected run has.
        unexpected: positions that only the found run has.
        first: where the runs part, with both outputs; None where they agree.
    """

    equal: int
    different: int
    missing: int
    unexpected: int
    first: tuple[Output | None, Output | None] | None

    @property
    def agree(self) -> bool:
        """Whether the runs are the same."""
        return self.first is None


def compare(expected: Iterable[Output], found: Iterable[Output]) -> Comparison:
    """Compare the outputs of two runs. A position, `(lane, offset)`, may have several outputs, in their order."""
    expected, found = list(expected), list(found)
    wanted, got = _numbered(expected), _numbered(found)
    equal = sum(1 for place, value in wanted.items() if got.get(place) == value)
    both = len(wanted.keys() & got.keys())
    return Comparison(
        equal=equal,
        different=both - equal,
        missing=len(wanted) - both,
        unexpected=len(got) - both,
        first=_parting(expected, found),
    )


def _numbered(outputs: list[Output]) -> dict[tuple[Position, int], bytes]:
    """Outputs by position and their number among those of the position."""
    seen: dict[Position, int] = {}
    numbered = {}
    for position, value in outputs:
        number = seen[position] = seen.get(position, -1) + 1
        numbered[position, number] = value
    return numbered


def _parting(expected: list[Output], found: list[Output]) -> tuple[Output | None, Output | None] | None:
    """The first place, lane by lane, where the runs part."""
    lanes: dict[str, tuple[list[Output], list[Output]]] = {}
    for side, outputs in enumerate((expected, found)):
        for output in outputs:
            lanes.setdefault(output[0][0], ([], []))[side].append(output)
    for wanted, got in lanes.values():
        for index in range(max(len(wanted), len(got))):
            pair = (wanted[index] if index < len(wanted) else None, got[index] if index < len(got) else None)
            if pair[0] != pair[1]:
                return pair
    return None
