"""A short run of `python -m tests.fuzz`."""

from __future__ import annotations

import pytest

from tests.fuzz import TARGETS, run


@pytest.mark.parametrize("target", TARGETS)
def test_random_inputs_cause_nothing_but_the_errors_of_records(target: str) -> None:
    told: list[str] = []
    assert not run(150, 7, told.append, [target]), "\n".join(told)
