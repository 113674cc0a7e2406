"""Logs for machines."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from makiserve.cli.logs import set_up_logging
from makiserve.serving.partition import Partition, Phase


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The root logger is the tests' own afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_log_line_of_a_partition_has_its_position_as_fields(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json", "worker 2")
    Partition("house", 3).transition(Phase.RESTORING)
    (line,) = lines(capsys)
    assert line.pop("time")
    assert line == {
        "level": "INFO",
        "logger": "makiserve.serving.partition",
        "message": "house[3]: assigned → restoring at offset 0",
        "process": "worker 2",
        "topic": "house",
        "partition": 3,
        "offset": 0,
    }


def test_a_line_about_nothing_has_no_more_fields(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json")
    logging.getLogger("makiserve").info("%(a)s of %(b)s", {"a": 1, "b": 2})
    assert lines(capsys)[0].keys() == {"time", "level", "logger", "message"}


def test_an_exception_stays_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("json")
    try:
        raise ValueError("no\nsuch")
    except ValueError:
        logging.getLogger("makiserve").exception("it failed")
    (line,) = lines(capsys)
    assert "ValueError: no\nsuch" in str(line["exception"])
