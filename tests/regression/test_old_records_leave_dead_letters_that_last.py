"""A letter had its record's time: a broker that keeps a week deleted those of a back-filled topic within minutes."""

from __future__ import annotations

import time

from makiserve.errors import DecodeError
from makiserve.scoring import Scored
from tests.unit.serving.fakes import message
from tests.unit.serving.test_publisher import published


def test_dead_letter_has_the_time_at_which_it_was_written() -> None:
    began_ms = int(time.time() * 1000)
    (made,) = published([message(0, 7, b"{")], Scored([], [], [], [(0, DecodeError("damaged"))]))
    assert made[5] >= began_ms
    assert dict(made[4])["makiserve.time"] == b"1007"
