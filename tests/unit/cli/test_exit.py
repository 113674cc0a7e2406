"""Errors become exit codes and one line on stderr."""

from __future__ import annotations

import errno
import gc
import re
from collections.abc import Iterator
from typing import Any

import pytest

from makiserve.cli.exit import IMPORTING, THRESHOLD, exit_with
from makiserve.cli.worker_process import Job
from makiserve.settings import BrokerSettings, LogSettings, ModelSettings, ServeSettings


@pytest.fixture(autouse=True)
def _threshold_is_restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def ended(
    capsys: pytest.CaptureFixture[str], error: BaseException, cause: BaseException | None = None
) -> tuple[int, str]:
    """Return the exit code and what was shown."""

    def run() -> None:
        raise error from cause

    with pytest.raises(SystemExit) as exit_:
        exit_with(run)
    return int(str(exit_.value.code)), capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.EMFILE, "Too many open files"),
            r"too many open files: the limit of the process is [\d,]+\. .*ulimit -n",
        ),
        (OSError(errno.ENFILE, "Too many open files in system"), "too many open files"),
        (MemoryError(), "out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
        (RuntimeError("can't start new thread"), "too many threads"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
    ],
)
def test_resource_limit_is_named_and_not_reported_as_bug(
    capsys: pytest.CaptureFixture[str], error: BaseException, words: str
) -> None:
    for raised, cause in ((error, None), (ValueError("cannot load"), error)):
        code, shown = ended(capsys, raised, cause)
        assert code == 71
        assert re.search(words, shown)
        assert "bug" not in shown
        assert shown.count("\n") == 1


def test_any_other_exception_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = ended(capsys, OSError(errno.ENOENT, "No such file"))
    assert code == 70
    assert "Traceback" in shown
    assert "this is a bug" in shown


def test_command_collects_garbage_rarely_and_not_at_its_exit() -> None:
    thresholds, frozen = [], gc.get_freeze_count()
    with pytest.raises(SystemExit):
        exit_with(lambda: thresholds.append(gc.get_threshold()))
    assert thresholds == [IMPORTING]
    assert gc.get_freeze_count() > frozen


def test_service_collects_garbage_as_often_as_python_does() -> None:
    thresholds = []

    def serve(*arguments: Any) -> None:
        thresholds.append(gc.get_threshold())

    gc.set_threshold(*IMPORTING)
    what = ModelSettings(features="models.electricity.features:features")
    settings = BrokerSettings("broker:9092", "group"), ServeSettings("in", "out", "dead")
    Job("worker", serve, what, *settings, LogSettings()).run(lambda snapshot: None)
    assert thresholds == [THRESHOLD]
