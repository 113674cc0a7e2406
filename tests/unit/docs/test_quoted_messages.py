"""The messages that the pages quote are those that the code writes."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs/how-to").glob("*.md"))
GAPS = re.compile(r"…|→|\b[NM]\b|\d[\d.]*|'[^']*'")
"""What differs from message to message."""

FIELDS = re.compile(r"%[sdr]|%\.?\d*[fg]|\n")
EDGES = " :;,.('"
MIN_LENGTH = 12
"""The length from which a literal part of a message identifies it."""


def quoted() -> list[tuple[str, str]]:
    """Return the messages on the pages, each with the name of its page."""
    messages = []
    for page in PAGES:
        text = page.read_text()
        blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [" ".join(block.split()) for block in blocks if re.match(r"house\[\d\]: |makiserve: ", block)]
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
        messages += [(page.name, span) for span in lines + spans if _is_message(span)]
    return messages


def _is_message(span: str) -> bool:
    """Return whether text in backticks reads like a sentence."""
    is_code = re.search(r"[(){}\"]|=[^,]|models:|^(makiserve|kubectl|kafka-\S+) ", span)
    return not is_code and "→" not in span and len(re.findall(r"(?<!-)\b[a-z]{2,}\b(?!-)", span)) >= 5


@cache
def literals() -> list[str]:
    """Return the literal parts of all strings in the code, without the fields between them."""
    parts = []
    for path in sorted(ROOT.glob("makiserve/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                parts += FIELDS.split(node.value)
    return [part.strip(EDGES) for part in parts if len(part.strip(EDGES)) >= MIN_LENGTH]


def test_messages_are_found() -> None:
    assert len(quoted()) >= 30


@pytest.mark.slow
def test_quoted_messages_are_in_the_code() -> None:
    """Every quoted part between gaps of the page is a literal part of a message, or contains one."""
    for page, message in quoted():
        text = re.sub(r"^\S+: ", "", message)  # the place
        parts = [part.strip(EDGES) for part in GAPS.split(text) if len(part.strip(EDGES)) >= MIN_LENGTH]
        assert all(any(part in literal or literal in part for literal in literals()) for part in parts), (page, message)
