"""Items behind their length: RxSci's bytes, cut anywhere, saved anywhere."""

from __future__ import annotations

from typing import Any

import pytest
import rx
import rxsci.framing.length_prefix

from makiserve.errors import OperatorError, PipelineError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.rxsci.framing import length_prefix
from tests.unit.stream.feed import emitted

ITEMS = [b"one", b"", b"three" * 20, b"\x00"]
FORMS = [(4, "little"), (1, "little"), (2, "big"), (3, "big")]
each_form = pytest.mark.parametrize(("prefix_size", "byteorder"), FORMS)


def framed(prefix_size: int, byteorder: Any) -> bytes:
    return b"".join(emitted(length_prefix.frame(prefix_size, byteorder), ITEMS))


def test_length_comes_first() -> None:
    assert emitted(length_prefix.frame(), [b"ab"]) == [b"\x02\x00\x00\x00ab"]
    assert emitted(length_prefix.frame(2, "big"), [b"ab"]) == [b"\x00\x02ab"]


@each_form
def test_items_are_rxscis(prefix_size: int, byteorder: Any) -> None:
    items: list[bytes] = []
    theirs = rxsci.framing.length_prefix
    rx.from_(ITEMS).pipe(theirs.frame(prefix_size, byteorder)).subscribe(items.append)
    assert b"".join(items) == framed(prefix_size, byteorder)
    items.clear()
    rx.of(framed(prefix_size, byteorder)).pipe(theirs.unframe(prefix_size, byteorder)).subscribe(items.append)
    assert items == ITEMS


@each_form
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_items_cut_anywhere_and_saved_anywhere_come_out_whole(prefix_size: int, byteorder: Any, size: int) -> None:
    data = framed(prefix_size, byteorder)
    program = Program(trace(length_prefix.unframe(prefix_size, byteorder)))
    checkpoints = Checkpoints(program)
    state, items = program.new_state(), list[Any]()
    for begin in range(0, len(data), size):
        items += program.feed([data[begin : begin + size]], state).outputs
        state = checkpoints.load(checkpoints.dump(state))
    assert items + program.complete(state) == ITEMS


def test_a_prefix_of_no_bytes_or_no_order_is_refused() -> None:
    for make in (length_prefix.frame, length_prefix.unframe):
        with pytest.raises(PipelineError, match="at least 1"):
            make(0)
        with pytest.raises(PipelineError, match="middle"):
            make(4, "middle")  # type: ignore[arg-type]


def test_item_that_is_not_bytes_changes_nothing() -> None:
    program = Program(trace(length_prefix.unframe(1)))
    state = program.new_state()
    fed = program.feed([b"\x02a", "text", b"b"], state)
    assert fed.outputs == [b"ab"]
    assert [(index, type(error)) for index, error in fed.failures] == [(1, OperatorError)]
