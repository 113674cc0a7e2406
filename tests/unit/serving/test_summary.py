"""The line of a minute."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from makiserve.errors import DecodeError, PredictError
from makiserve.scoring import Encoded
from makiserve.serving import summary as module
from makiserve.serving.summary import EVERY_S, Summary


def test_counts_are_logged_once_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    now = [100.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    summary = Summary()
    summary.add(5, Encoded([0, 0], [b"1", b"2"], [(1, DecodeError("no")), (3, PredictError("no"))]))
    summary.add(3, Encoded([0], [b"1"], [(1, DecodeError("no"))]))
    summary.commits += 2
    summary.log_when_due()
    now[0] += EVERY_S
    summary.log_when_due()
    summary.log_when_due()
    assert caplog.messages == [
        "8 records, 3 outputs, 3 dead letters (decode: 2, predict: 1), 2 commits, 0 aborts since the start"
    ]
