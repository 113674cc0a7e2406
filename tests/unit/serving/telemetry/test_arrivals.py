"""The arrival time of a record, from the ends that its partition had."""

from __future__ import annotations

import random

from makiserve.serving.telemetry.lag_tracker import MAX_ENDS, Arrivals


def test_without_an_end_nothing_is_known() -> None:
    assert Arrivals().before(0) is None


def test_a_record_arrived_after_the_last_end_before_it() -> None:
    arrivals = Arrivals()
    for end, time_s in ((10, 1.0), (10, 2.0), (20, 3.0)):
        arrivals.observe(end, time_s)
    assert arrivals.before(9) is None
    assert arrivals.before(10) == 2.0
    assert arrivals.before(19) == 2.0
    assert arrivals.before(25) == 3.0


def test_an_answer_is_never_later_than_the_arrival() -> None:
    chance, arrivals = random.Random(1), Arrivals()
    arrived: list[float] = []
    offset = 0
    for second in range(20 * MAX_ENDS):
        arrived += [second + 0.5] * chance.randrange(3)
        arrivals.observe(len(arrived), second + 1.0)
        assert len(arrivals._seen) <= MAX_ENDS
        if second % 5 == 0:
            offset = chance.randrange(offset, len(arrived) + 1)
            before = arrivals.before(offset)
            assert before is None or offset == len(arrived) or before <= arrived[offset]
