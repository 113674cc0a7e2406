"""Run many small cases of a test in one item of pytest, which costs more than such a case: about 5 ms in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import signature
from typing import Any

import pytest

Test = Callable[..., None]
Ids = Iterable[Any] | Callable[[Any], Any] | None


def loop_over(names: str | tuple[str, ...], cases: Iterable[Any], ids: Ids = None) -> Callable[[Test], Test]:
    """Return a decorator that runs a test for each case, as `pytest.mark.parametrize` with the same arguments would.

    It runs every case, and then names those that failed. The test's other arguments are fixtures or parameters.
    """
    labels, rows = _rows(names, list(cases), ids)
    names = (names,) if isinstance(names, str) else names

    def decorate(test: Test) -> Test:
        @wraps(test)
        def run_all(**others: Any) -> None:
            failed: list[tuple[str, BaseException]] = []
            for label, row in zip(labels, rows, strict=True):
                try:
                    test(**others, **dict(zip(names, row, strict=True)))
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  the other cases are run too
                    failed.append((label, error))
            if failed:
                lines = [f"{label[:200]}: {error!r}" for label, error in failed]
                raise AssertionError("\n".join([f"{len(failed)} of {len(rows)} cases:", *lines])) from failed[0][1]

        whole = signature(test)
        rest = [parameter for name, parameter in whole.parameters.items() if name not in names]
        assert len(rest) == len(whole.parameters) - len(names), f"{test.__name__} has other arguments than {names}"
        run_all.__signature__ = whole.replace(parameters=rest)  # type: ignore[attr-defined]  # pytest asks for it
        return run_all

    return decorate


def _rows(names: str | tuple[str, ...], cases: list[Any], ids: Ids) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the label and the values of each case."""
    labels = [*map(ids, cases)] if callable(ids) else cases if ids is None else [*ids]
    assert len(labels) == len(cases) > 0, "an id for each case, and at least one case"
    assert not any(isinstance(case, type(pytest.param())) for case in cases), "give the ids as `ids`"
    return [str(label) for label in labels], [(case,) if isinstance(names, str) else tuple(case) for case in cases]
