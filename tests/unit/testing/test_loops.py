"""Loops over cases run each of them, and fail if one does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loops import loop_over


@loop_over("word", ["a", "b"])
@loop_over(("number", "square"), [(2, 4), (3, 9)])
def test_loops_nest_and_leave_fixtures_to_pytest(tmp_path: Path, word: str, number: int, square: int) -> None:
    assert tmp_path.is_dir()
    assert word in ("a", "b")
    assert number * number == square


def test_every_case_has_run() -> None:
    ran: list[str] = []
    loop_over("word", ["a", "b"])(lambda word: ran.append(word))()
    assert ran == ["a", "b"]


def test_failed_cases_are_named_and_the_others_run() -> None:
    ran: list[int] = []

    def check(number: int) -> None:
        ran.append(number)
        assert number % 2, "even"
        with pytest.raises(ZeroDivisionError):
            1 / (number - 3)

    with pytest.raises(AssertionError, match=r"^3 of 4 cases:\n1: .*DID NOT RAISE.*\n2: .*even.*\n4: .*even"):
        loop_over("number", [1, 2, 3, 4])(check)()
    assert ran == [1, 2, 3, 4]


@pytest.mark.parametrize("cases", [[], [pytest.param(1, id="one")]])
def test_cases_that_would_not_run_are_refused(cases: list[object]) -> None:
    with pytest.raises(AssertionError):
        loop_over("number", cases)
