"""Check that a pipeline gives the same outputs however it is cut into batches, crashed and restored."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import msgspec

from makiserve.records import Record
from makiserve.scoring.comparison import TOLERANCE, compare
from makiserve.testing.driver import DeadLetter, Output, PipelineDriver, Subject, load_subject

CUTS = 100
"""The number of places at which a run is cut in order. A run of fewer records is cut at each of them."""

Step = tuple[str, int]
"""A method of the driver, and the number of records to process before it."""

ENDS = ("commit", "checkpoint", "checkpoint_slice", "abort", "crash")


def assert_repeatable(
    subject: Subject,
    records: Iterable[Any],
    *,
    record: type[Record] | None = None,
    rounds: int = 20,
    seed: int = 0,
    tolerance: float | None = None,
) -> None:
    """Assert that the outputs are the same wherever a run is cut, crashed and restored.

    The records are first processed as one batch. Then they are processed again many times: one by one; with a
    checkpoint and a crash after each record; with a crash before each commit; and in random batches that end in a
    commit, a checkpoint, a part of one, an abort or a crash. Each run must give the outputs and dead letters of the
    first one.

    Args:
        subject: a pipeline's factory, the URI of a packaged model, or a loaded model.
        records: records, dicts or the bytes of messages, in the order of one partition. More than 100 are cut at 100
            places only. Enough of them should be given to fill the pipeline's windows.
        record: the type of the records, for a factory.
        rounds: the number of random runs.
        seed: the seed of the random runs, which are the same for the same seed.
        tolerance: the relative difference that is allowed between numbers. By default the outputs of a pipeline must
            be the same to the last bit, and the predictions of a model may differ by 1e-9, because many models compute
            with BLAS, whose last bits depend on the size of a batch.

    Raises:
        AssertionError: an output differs, or there is none at all. The message contains the calls of `PipelineDriver`
            that lead to it.
        ArgumentError: a factory is given without the type of its records.
        PipelineError: the pipeline keeps state that cannot be saved.
    """
    __tracebackhide__ = True
    sent, subject = list(records), load_subject(subject)
    uninterrupted = PipelineDriver(subject, record=record)
    uninterrupted.send(*sent)
    uninterrupted.process()
    uninterrupted.commit()
    if not uninterrupted.outputs:
        raise AssertionError(
            f"{len(sent)} records gave no output, so there is nothing to compare: give more records"
            + (f". The first dead letter: {uninterrupted.dead_letters[0]}" if uninterrupted.dead_letters else "")
        )
    if tolerance is None:
        tolerance = TOLERANCE if uninterrupted.has_model else 0.0
    for name, steps in _schedules(len(sent), rounds, Random(seed)):
        driver = PipelineDriver(subject, record=record)
        driver.send(*sent)
        for end, count in steps:
            driver.process(count)
            getattr(driver, end)()
        if difference := _difference(uninterrupted, driver, tolerance):
            calls = "\n".join(f"    driver.{call}" for call in driver.history)
            raise AssertionError(f"{name}: {difference}\nThe calls that lead to it:\n{calls}")


def _schedules(records: int, rounds: int, random: Random) -> Iterator[tuple[str, list[Step]]]:
    size = math.ceil(records / CUTS)
    places = math.ceil(records / size)
    yield "in small batches", [("commit", size)] * places
    yield "with a checkpoint and a crash after each batch", [("checkpoint", size), ("crash", 0)] * places
    often = max(1, math.isqrt(places))
    lost: list[Step] = []
    for place in range(places):
        lost += [("crash", size), ("commit" if place % often else "checkpoint", size)]
    yield "with a crash before each commit", lost
    for number in range(rounds):
        yield f"in random run {number}", list(_random_steps(records, random))


def _random_steps(records: int, random: Random) -> Iterator[Step]:
    largest = random.choice((3, 10, max(10, records)))
    processed = 0
    for _ in range(4 * CUTS):
        count, end = random.randint(1, largest), random.choice(ENDS)
        yield end, count
        processed += count if end not in ("abort", "crash") else 0
        if processed >= records:
            return
    yield "commit", records


def _difference(uninterrupted: PipelineDriver, driver: PipelineDriver, tolerance: float) -> str | None:
    """Return the first difference between two runs in words; None if there is none."""
    comparison = compare(_placed(uninterrupted.outputs), _placed(driver.outputs), tolerance=tolerance)
    kind = "output"
    if comparison.agree:
        comparison = compare(_placed(uninterrupted.dead_letters), _placed(driver.dead_letters), tolerance=0)
        kind = "dead letter"
    if comparison.first is None:
        return None
    expected, actual = comparison.first
    offset = min(side[0][1] for side in comparison.first if side)
    return (
        f"the {kind} of record {offset} differs from that of a single uninterrupted run\n"
        f"  expected: {expected[1].decode() if expected else f'no {kind}'}\n"
        f"  actual:   {actual[1].decode() if actual else f'no {kind}'}"
    )


def _placed(results: Iterable[Output | DeadLetter]) -> list[tuple[tuple[str, int], bytes]]:
    return [
        (("", result.offset), result.json if isinstance(result, Output) else msgspec.json.encode(result.reason))
        for result in results
    ]
