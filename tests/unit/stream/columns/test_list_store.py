"""Lists of items by row hold what was written to them, however they grow and shrink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makiserve.stream.columns.column import column_of
from makiserve.stream.columns.list_store import ListStore
from makiserve.stream.columns.row_bytes import decode_rows, encode_rows
from makiserve.stream.columns.store import ItemStore, Store, numbers
from makiserve.stream.engine.codec import Codec
from tests.examples import examples

ROWS = 6
CODEC = Codec({})


def lists() -> ListStore:
    store = ListStore([Store(numbers(np.int64)), ItemStore()])
    store.grow(ROWS)
    return store


def write(store: ListStore, contents: dict[int, list[float | None]]) -> None:
    """Write lists of values; the time of a value is its position."""
    items = [item for content in contents.values() for item in content]
    values = store.columns[1]
    assert isinstance(values, ItemStore)
    column = values.accept(column_of(items))
    lengths = np.array([len(content) for content in contents.values()], np.int64)
    times = np.array([at for content in contents.values() for at in range(len(content))], np.int64)
    store.put(np.array(list(contents)), [lengths, (times,), values.content(column)])


def read(store: ListStore) -> list[list[float | None]]:
    stored = []
    for row in range(ROWS):
        places, values = store.places(np.array([row])), store.columns[1]
        assert isinstance(values, ItemStore)
        assert store.columns[0].get(places)[0].tolist() == list(range(len(places)))
        stored.append(values.at(places).items())
    return stored


contents = st.dictionaries(
    st.integers(0, ROWS - 1), st.lists(st.floats(0, 9) | st.none(), min_size=1, max_size=40), min_size=1
)


@examples(100)
@given(st.lists(contents | st.integers(0, ROWS - 1), max_size=12))
def test_lists_hold_what_was_written_last(steps: list[dict[int, list[float | None]] | int]) -> None:
    store, expected = lists(), [list[float | None]() for _ in range(ROWS)]
    for step in steps:
        if isinstance(step, int):
            store.reset(np.array([step]))
            expected[step] = []
        else:
            write(store, step)
            for row, content in step.items():
                expected[row] = content
        assert read(store) == expected
    restored, rows = lists(), np.arange(ROWS)
    decode_rows([restored], rows, encode_rows([store], rows, CODEC), CODEC)
    assert read(restored) == expected


def test_places_of_a_list_that_has_moved_are_used_again() -> None:
    store = lists()
    for length in (1, 3, 9, 30, 2, 9, 1, 30):
        for row in range(ROWS):
            write(store, {row: [1.0] * length})
    assert len(store.columns[0].arrays[0]) <= ROWS * (1 + 4 + 16 + 32 + 2) * 5 / 4


def test_lengths_that_do_not_fit_the_items_are_refused() -> None:
    store, row = lists(), np.array([0])
    write(store, {0: [1.0, 2.0]})
    ((_, columns),) = encode_rows([store], row, CODEC)
    for lengths in ([3], [1, 1], [-2], [2**60]):
        with pytest.raises(ValueError, match="1 lists of 2 items have other lengths"):
            decode_rows([lists()], row, [[np.array(lengths).tobytes(), columns]], CODEC)
