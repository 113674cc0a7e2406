"""The examples of pages are true: sessions of Python, and blocks with tests."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"


@pytest.mark.parametrize("page", ["missing-values.md"])
def test_the_examples_of_a_page_are_true(page: str) -> None:
    results = doctest.testfile(str(HOW_TO / page), module_relative=False)
    assert results.attempted > 5
    assert not results.failed


def test_the_tests_of_the_page_about_tests_pass() -> None:
    page = (HOW_TO / "test-a-pipeline.md").read_text()
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(block, names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
