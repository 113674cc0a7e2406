"""RxSci's progress fails on the first item; here it logs, and never prints."""

from __future__ import annotations

import logging

import pytest

import makiserve.stream as rs
from tests.unit.stream.feed import emitted


def test_progress_passes_items_on(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.INFO, "makiserve"):
        assert emitted(rs.ops.progress("read", 2, measure_throughput=False), "abcde") == list("abcde")
    assert caplog.messages == ["read: 2 items", "read: 4 items"]
    assert capsys.readouterr() == ("", "")
