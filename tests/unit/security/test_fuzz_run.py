"""A short run of `python -m tests.fuzz`."""

from __future__ import annotations

import pytest

from tests.fuzz.targets import TARGETS, run


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_random_inputs_raise_only_record_errors(target: str) -> None:
    reports: list[str] = []
    assert not run(150, 7, reports.append, [target]), "\n".join(reports)
