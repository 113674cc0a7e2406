"""The result of scoring a batch: a part of it, another numbering, and several in one."""

from __future__ import annotations

from makiserve.errors import DecodeError, EncodeError, PredictError
from makiserve.scoring import Posted, Scored

DAMAGED, REFUSED = DecodeError("damaged"), PredictError("refused")

WHOLE = Scored(
    causes=[0, 2, 2, 3],
    features=["a", "b", "c", "d"],
    predictions=[1, 2, 3, 4],
    dead=[(1, DAMAGED)],
    posted=Posted([0, 3], ["first", "last"]),
    shadow=[(0, 10), (2, 20), (2, REFUSED), (3, 40)],
)


def test_take_keeps_every_part_of_the_chosen_records_and_all_dead_letters() -> None:
    taken = WHOLE.take({2, 3}.__contains__)

    assert taken == Scored(
        [2, 2, 3], ["b", "c", "d"], [2, 3, 4], [(1, DAMAGED)], Posted([3], ["last"]), [(2, 20), (2, REFUSED), (3, 40)]
    )


def test_map_causes_renumbers_every_part() -> None:
    moved = WHOLE.map_causes([10, 11, 12, 13])

    assert moved == Scored(
        [10, 12, 12, 13],
        WHOLE.features,
        WHOLE.predictions,
        [(11, DAMAGED)],
        Posted([10, 13], ["first", "last"]),
        [(10, 10), (12, 20), (12, REFUSED), (13, 40)],
    )


def test_concat_of_interleaved_parts_is_the_whole() -> None:
    even, odd = (WHOLE.take(lambda cause, rest=rest: cause % 2 == rest) for rest in (0, 1))  # type: ignore[misc]

    assert Scored.concat([odd._replace(dead=[]), even]) == WHOLE


def test_concat_of_parts_without_post_or_shadow_has_none() -> None:
    plain = WHOLE._replace(posted=None, shadow=None)

    assert Scored.concat([plain, Scored([], [], [], [])]) == plain
    assert Scored.concat([]) == Scored([], [], [], [])


def test_without_makes_dead_letters_and_keeps_the_shadow() -> None:
    failed = EncodeError("too large")

    left = WHOLE.without({3: failed})

    assert left == Scored(
        [0, 2, 2], ["a", "b", "c"], [1, 2, 3], [(1, DAMAGED), (3, failed)], Posted([0], ["first"]), WHOLE.shadow
    )
    assert WHOLE.without({}) is WHOLE
