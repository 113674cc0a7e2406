"""The examples of pages that are written as sessions of Python are true."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"


@pytest.mark.parametrize("page", ["missing-values.md"])
def test_the_examples_of_a_page_are_true(page: str) -> None:
    results = doctest.testfile(str(HOW_TO / page), module_relative=False)
    assert results.attempted > 5
    assert not results.failed
