"""Write the index of the decisions, docs/decisions/README.md: `make docs`."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent / "decisions"
INDEX = FOLDER / "README.md"
HEAD = """# Decisions

Why makiserve is built as it is: one page for each question that a reader could ask. Each page gives the context, the
choice, the alternatives and the consequence. [How to add one](../../CONTRIBUTING.md#record-a-decision).

| | decision | status |
|---|---|---|
"""
START = re.compile(
    r"# (\d{4}) (.+)\n\n"
    r"(?:\*\*Status\.\*\* )?(Accepted|Superseded by \[\d{4}\]\([\w.-]+\.md\)), (\d{4}-\d\d-\d\d)\."
)


def page() -> str:
    """Return the index."""
    return HEAD + "".join(map(row, sorted(FOLDER.glob("[0-9]*.md"))))


def row(decision: Path) -> str:
    """Return the row of one decision.

    Raises:
        ValueError: the page does not begin with its number, title, status and date.
    """
    start = START.match(decision.read_text())
    if not start or start[1] != decision.name[:4]:
        raise ValueError(f"{decision.name} must begin with `# NUMBER TITLE` and `**Status.** Accepted, YYYY-MM-DD.`")
    number, title, status, date = start.groups()
    return f"| {number} | [{title}]({decision.name}) | {status[0].lower() + status[1:]}, {date} |\n"


if __name__ == "__main__":
    INDEX.write_text(page())
