"""Compare the outputs of two runs, position by position, in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isclose
from typing import Any

import msgspec

Position = tuple[str, int]
Output = tuple[Position, bytes]

TOLERANCE = 1e-9
"""Relative. Predictions of a model that calls BLAS may differ in the last bits with the number of rows in a batch."""


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison. The runs agree if their outputs do not differ in content, count or order.

    Attributes:
        identical: number of outputs that are the same in both runs, byte for byte.
        close: number of outputs that are not identical and whose numbers differ by no more than the tolerance.
        different: number of positions at which both runs have an output and the outputs differ by more.
        missing: number of positions that only the expected run has.
        unexpected: number of positions that only the found run has.
        first: both outputs at the first difference; None if the runs agree.
    """

    identical: int
    close: int
    different: int
    missing: int
    unexpected: int
    first: tuple[Output | None, Output | None] | None

    @property
    def agree(self) -> bool:
        """Return whether the runs agree."""
        return self.first is None


def compare(expected: Iterable[Output], actual: Iterable[Output], *, tolerance: float = TOLERANCE) -> Comparison:
    """Compare the outputs of two runs, each a position, `(lane, offset)`, and a JSON value, lane by lane in order.

    Args:
        expected: for example the outputs of the replay.
        actual: for example the outputs of the service.
        tolerance: relative, for numbers; 0 requires identical bytes.
    """
    expected, actual = list(expected), list(actual)
    wanted, got = _numbered(expected), _numbered(actual)
    both = wanted.keys() & got.keys()
    identical = sum(1 for place in both if got[place] == wanted[place])
    alike = sum(1 for place in both if _is_same(wanted[place], got[place], tolerance))
    return Comparison(
        identical=identical,
        close=alike - identical,
        different=len(both) - alike,
        missing=len(wanted) - len(both),
        unexpected=len(got) - len(both),
        first=_first_difference(expected, actual, tolerance),
    )


def _numbered(outputs: list[Output]) -> dict[tuple[Position, int], bytes]:
    """Return the outputs by position and by their number among those of the position."""
    seen: dict[Position, int] = {}
    numbered = {}
    for position, value in outputs:
        number = seen[position] = seen.get(position, -1) + 1
        numbered[position, number] = value
    return numbered


def _first_difference(
    expected: list[Output], actual: list[Output], tolerance: float
) -> tuple[Output | None, Output | None] | None:
    """Return both outputs at the first difference, lane by lane; None if there is none."""
    lanes: dict[str, tuple[list[Output], list[Output]]] = {}
    for side, outputs in enumerate((expected, actual)):
        for output in outputs:
            lanes.setdefault(output[0][0], ([], []))[side].append(output)
    for wanted, got in lanes.values():
        for index in range(max(len(wanted), len(got))):
            left, right = (side[index] if index < len(side) else None for side in (wanted, got))
            if not left or not right or left[0] != right[0] or not _is_same(left[1], right[1], tolerance):
                return left, right
    return None


def _is_same(wanted: bytes, got: bytes, tolerance: float) -> bool:
    if wanted == got or tolerance == 0:
        return wanted == got
    return _is_close(msgspec.json.decode(wanted), msgspec.json.decode(got), tolerance)


def _is_close(wanted: Any, got: Any, tolerance: float) -> bool:
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(_is_close(wanted[key], got[key], tolerance) for key in wanted)
    if isinstance(wanted, list) and isinstance(got, list):
        pairs = zip(wanted, got, strict=False)
        return len(wanted) == len(got) and all(_is_close(left, right, tolerance) for left, right in pairs)
    if isinstance(wanted, float) and isinstance(got, float):
        return isclose(wanted, got, rel_tol=tolerance)
    return bool(wanted == got)
