"""Every decision has a number, a title, a status and a date, and is in the index."""

from __future__ import annotations

from pathlib import Path

from docs import decision_index
from tests.loops import loop_over

DECISIONS = sorted(decision_index.FOLDER.glob("[0-9]*.md"))


@loop_over("decision", DECISIONS, ids=lambda path: path.stem[:4])
def test_a_decision_has_its_parts(decision: Path) -> None:
    assert decision_index.row(decision)
    text = decision.read_text()
    assert [part for part in ("Context", "Choice", "Consequence") if f"**{part}.**" not in text] == []


def test_every_decision_is_in_the_index() -> None:
    assert decision_index.INDEX.read_text() == decision_index.page(), "run `make docs`"
