"""The lines of the log that the operator's page explains are those that the code writes, at their levels."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

pytestmark = pytest.mark.slow  # they parse the package

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/operate.md"
ROW = re.compile(r"^\| (WARNING|ERROR) \| (.+?) \| ", re.MULTILINE)
GAPS = re.compile(r"…|\b[NM]\b|\d[\d.]*|(?<=^environment: ).*")
"""What stands on the page for what differs from line to line."""


def explained() -> list[tuple[str, str]]:
    """Level and line, as the page has them."""
    return [(level, line) for level, lines in ROW.findall(PAGE.read_text()) for line in re.findall(r"`([^`]+)`", lines)]


def is_method_of_logger(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "logger"


@cache
def written() -> list[tuple[str, str]]:
    """Level and format of all that a service may log that needs looking at."""
    logged = []
    for path in sorted(ROOT.glob("makiserve/**/*.py")):
        if {"offline", "spark"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and is_method_of_logger(node.func):
                level = node.func.attr.upper()
                if level in ("WARNING", "ERROR", "EXCEPTION", "CRITICAL"):
                    (form,) = (argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant))
                    logged.append((level, str(form)))
    return logged


def is_of(line: str, form: str) -> bool:
    """Return whether a line of the page, without its variable parts, is of a format, in its order."""
    at = 0
    for part in filter(None, map(str.strip, GAPS.split(line))):
        if (start := form.find(part, at)) < 0:
            return False
        at = start + len(part)
    return at > 0


def test_both_are_found() -> None:
    assert len(explained()) >= 15
    assert len(written()) >= 15


def test_every_documented_log_line_exists() -> None:
    for level, line in explained():
        assert [form for other, form in written() if other == level and is_of(line, form)], line


def test_every_log_line_is_documented() -> None:
    for level, form in written():
        assert [line for other, line in explained() if other == level and is_of(line, form)], form
