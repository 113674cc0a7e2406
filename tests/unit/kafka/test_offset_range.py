"""Places in a topic, as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from makiserve.errors import ConfigurationError
from makiserve.kafka import Place, place_from_text
from tests.loops import loop_over

TEN = datetime(2026, 11, 25, 10, tzinfo=timezone.utc)


@loop_over(
    ("text", "place"),
    [
        ("earliest", "earliest"),
        ("latest", "latest"),
        ("1234", 1234),
        ("90s", timedelta(seconds=90)),
        ("2h", timedelta(hours=2)),
        ("15min", timedelta(minutes=15)),
        ("2026-11-25T10:00", TEN),
        ("2026-11-25T10:00:00Z", TEN),
        ("2026-11-25 11:00+01:00", TEN),
        ("2026-11-25", TEN.replace(hour=0)),
    ],
)
def test_position_is_an_end_an_offset_a_time_or_an_age(text: str, place: Place) -> None:
    assert place_from_text(text) == place


@pytest.mark.parametrize("text", ["", "-5", "soon", "2y", "2026-13-01"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a position in a topic"):
        place_from_text(text)
