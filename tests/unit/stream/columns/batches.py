"""Keyed items in batches, and what the row engine emits for them: the measure of the columnar forms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from makiserve.stream.columns.column import Column, Mask, column_of, objects
from makiserve.stream.columns.segments import Segments
from makiserve.stream.engine.fold import Fold
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

SPECIAL = [0.0, -0.0, 1e16, -1e16, 1e200, 5e-324, math.inf, -math.inf, math.nan]


def value(random: Random, kind: type, *, is_special: bool) -> Any:
    """A value of a kind; with `is_special` it may be one at which floats behave in their own way."""
    if kind is bool:
        return random.random() < 0.5
    if kind is int:
        return random.randint(-(2**42), 2**42) if random.random() < 0.2 else random.randint(-5, 5)
    if is_special and random.random() < 0.2:
        return random.choice(SPECIAL)
    return float(random.randint(-3, 3)) if random.random() < 0.3 else random.gauss(1e3, 1)


class Batch(NamedTuple):
    """New items of some keys.

    Attributes:
        keys: the keys, as numbers.
        earlier: the items of each key before this batch.
        new: the new items of each key, at least one.
    """

    keys: list[int]
    earlier: list[list[Any]]
    new: list[list[Any]]

    @property
    def items(self) -> list[Any]:
        return [item for items in self.new for item in items]

    @property
    def segments(self) -> Segments:
        return Segments(np.array([len(items) for items in self.new]))

    @property
    def counts(self) -> Any:
        return np.array([len(items) for items in self.earlier])

    def column(self, kind: type) -> Column:
        return typed(self.items, kind)

    def history(self, size: int, kind: type) -> Column:
        """The last `size` items of each key, as a row of its own; what is missing at its beginning is zero."""
        rows = [([kind()] * size + items)[len(items) :] for items in self.earlier]
        flat = typed([item for row in rows for item in row], kind)
        shape = (len(rows), size)
        return Column(flat.values.reshape(shape), None if flat.missing is None else flat.missing.reshape(shape))


def typed(items: Sequence[Any], kind: type) -> Column:
    """A column of one kind, although all of its items may be None."""
    if kind is object:
        return objects(items)
    column = column_of([*items, kind()])
    return column.take(slice(0, len(items)))


@st.composite
def lanes(draw: st.DrawFn, kind: type, *, is_missing: bool = False) -> list[list[Any]]:
    """The items of several keys: few with many or many with few; their values come from a seed, which is fast."""
    keys, longest = draw(st.sampled_from([(1, 40), (3, 25), (30, 4)]))
    random = Random(draw(st.integers(0, 2**32)))
    is_special = draw(st.booleans())

    def item() -> Any:
        return None if is_missing and random.random() < 0.3 else value(random, kind, is_special=is_special)

    return [[item() for _ in range(random.randint(0, longest))] for _ in range(keys)]


def batches(items: list[list[Any]], cuts: Sequence[int]) -> Iterator[Batch]:
    """The items of each key in batches, each with one of `cuts` items of each key."""
    at, random = [0] * len(items), Random(1)
    while any(start < len(lane) for start, lane in zip(at, items, strict=True)):
        keys, earlier, new = [], [], []
        for key, lane in enumerate(items):
            size = random.choice(cuts)
            if lane[at[key] : at[key] + size]:
                keys.append(key)
                earlier.append(lane[: at[key]])
                new.append(lane[at[key] : at[key] + size])
                at[key] += size
        if keys:
            yield Batch(keys, earlier, new)


CUTS = st.lists(st.integers(0, 12), min_size=1, max_size=7).filter(any)


class RowEngine:
    """A pipeline with one state for each key."""

    def __init__(self, pipeline: Any, keys: int) -> None:
        self.program = Program(trace(pipeline))
        self.states = [self.program.new_state() for _ in range(keys)]

    def feed(self, batch: Batch) -> tuple[list[Any], list[int]]:
        """Return the outputs of a batch, and the indexes of the items that caused them."""
        outputs, causes, before = list[Any](), list[int](), 0
        for key, items in zip(batch.keys, batch.new, strict=True):
            fed = self.program.feed(items, self.states[key])
            assert not fed.failures
            outputs += fed.outputs
            causes += [before + cause for cause in fed.causes]
            before += len(items)
        return outputs, causes


def node(operator: Any) -> Fold:
    """The node of an operator."""
    (fold,) = trace(operator).operators
    assert isinstance(fold, Fold)
    return fold


def same(ours: Sequence[Any], theirs: Sequence[Any]) -> bool:
    """Return whether values agree to the last bit, and in type."""
    return [*map(repr, ours)] == [*map(repr, theirs)] and [*map(type, ours)] == [*map(type, theirs)]


def listed(mask: Mask | None) -> list[bool]:
    """A mask that is there, as a list."""
    assert mask is not None
    flags: list[bool] = mask.tolist()
    return flags
