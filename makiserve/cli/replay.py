"""`makiserve --replay`: replay sources and print the results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from makiserve.artifact import load_served, outputs_noun
from makiserve.errors import DecodeError
from makiserve.offline import Metrics, Replayed
from makiserve.offline.differences import QUANTILES, Differences
from makiserve.offline.record_trace import RecordTrace, trace_record
from makiserve.offline.sources import sources_named
from makiserve.offline.validate import validate
from makiserve.settings import BrokerSettings, ModelSettings, ReplaySettings
from makiserve.stream.engine.follow import Change, Followed

SHOWN_DEAD = 3
FAILED = 1
"""The exit code if a requirement is not met, or compared outputs differ."""


def replay_sources(what: ModelSettings, settings: ReplaySettings, broker: BrokerSettings | None) -> int:
    """Replay with a progress bar, print the results and return the exit code.

    Args:
        what: the model or pipeline.
        settings: the sources and what to do with the outputs.
        broker: the broker of the topics; None if all sources are files.
    """
    model, sources = load_served(what), sources_named(settings, broker)
    if settings.trace:
        na_values = settings.na_values or None
        traced = trace_record(model, model.plan, sources, settings.trace, lane_by=settings.lane_by, na_values=na_values)
        print_trace(traced)
        return 0
    with _progress(sources[0].name if len(sources) == 1 else f"{len(sources)} sources") as progress:
        validation = validate(model, settings, sources, progress)
    print_result(validation.replayed, outputs_noun(model), settings.output)
    if validation.differences:
        print_differences(validation.differences)
    for verdict in validation.verdicts:
        print(f"required      {verdict}")
    if settings.report:
        print(f"report        {settings.report}")
    if validation.run_id:
        print(f"logged to     run {validation.run_id}")
    return 0 if validation.passed else FAILED


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, float | None], None]]:
    """Show a bar with rate and remaining time on a terminal, and remove it at the end."""
    screen = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(escape(name), total=None, rate="")

        def progress(records: int, part: float | None) -> None:
            rate = f"{records:,} records, {records / (bar.tasks[0].elapsed or 1e-9):,.0f}/s"
            bar.update(task, total=None if part is None else 1.0, completed=part or 0.0, rate=rate)

        yield progress


def print_result(replayed: Replayed, noun: str, output: Path | None) -> None:
    """Print rows, rate, outputs under their noun, dead letters and metrics."""
    rate = replayed.rows / max(replayed.seconds, 1e-9)
    print(f"rows          {replayed.rows:,} in {replayed.seconds:.2f} s ({rate:,.0f} rows/s)")
    print(f"{noun:13} {replayed.written:,}" + (f" → {output}" if output else ""))
    print(f"dead letters  {replayed.reasons.total():,}{_reasons(replayed)}")
    for source, offset, error in replayed.dead[:SHOWN_DEAD]:
        print(f"              {source}@{offset}: {error}")
    if replayed.metrics:
        print_metrics(replayed.metrics)


def print_metrics(metrics: Metrics) -> None:
    """Print the metrics of the model next to those of the baselines."""
    print(f"{'':14}{'model':>12}" + "".join(f"{name:>15}" for name in metrics.baselines))
    for name, value in metrics.figures.items():
        others = (f"{figures[name]:15.6g}" if name in figures else f"{'':15}" for figures in metrics.baselines.values())
        print(f"{name:14}{value:12.6g}{''.join(others)}")
    print(f"{'rows measured':14}{metrics.rows:>12,}")
    for group in metrics.groups:
        first, value = next(iter(group.figures.items()))
        print(f"{first:14}{value:12.6g} for {group.by} {group.value or '(all smaller groups)'}, {group.rows:,} rows")


def print_differences(differences: Differences) -> None:
    """Print whether the outputs of two replays agree, by how much they differ, and the first differences."""
    word = "the same as" if differences.agree else "different from"
    print(f"outputs       {word} {differences.against}, tolerance {differences.tolerance:g}")
    counts = f"{differences.matched:,} matched, {differences.missing:,} missing, {differences.unexpected:,} unexpected"
    print(f"              {counts}")
    for column in differences.columns:
        if column.differing:
            parts = zip(QUANTILES, column.quantiles, strict=False)  # a column without numbers has no quantiles
            sizes = "".join(f", {part:.0%} within {size:.3g}" for part, size in parts)
            print(f"              {column.name}: {column.differing:,} differ, by at most {column.largest:.6g}{sizes}")
    for example in differences.first:
        expected, actual = (side or "no output" for side in (example.expected, example.actual))
        print(f"              {example.source}@{example.offset}: expected {expected}, got {actual}")


def _reasons(replayed: Replayed) -> str:
    counts = [f"{reason}: {count:,}" for reason, count in replayed.reasons.most_common()]
    return f" ({', '.join(counts)})" if counts else ""


MAX_SHOWN = 160


def print_trace(traced: RecordTrace) -> None:
    """Print a record, the input and the state changes of each operator, and the result."""
    print(f"{traced.source}@{traced.offset}" + (f", lane {traced.lane}" if traced.lane != traced.source else ""))
    if not isinstance(traced.record, DecodeError):
        print(f"record  {traced.record!r}")
    if traced.followed:
        _print_steps(traced.followed)
    for prediction in traced.predictions:
        print(f"model   {_short(repr(prediction))}")
    for output in traced.published:
        print(f"output  {_short(output.decode())}")
    if traced.error:
        print(f"dead letter ({traced.error.reason}): {traced.error}")
    elif not traced.published:
        print("no output")


def _print_steps(followed: Followed) -> None:
    changes: dict[str, list[Change]] = {}
    for change in followed.changes:
        changes.setdefault(change.place, []).append(change)
    for step in followed.steps:
        indent = "  " * (step.depth + 1)
        if step.is_end:
            print(f"{indent}→ {_short(repr(step.item))}")
            continue
        print(f"{indent}{step.place.rpartition(' > ')[2]}  ← {_short(repr(step.item))}")
        for change in changes.pop(step.place, ()):
            _print_change(f"{indent}    ", change)
    for remaining in changes.values():  # of operators that the record did not reach, such as in a window that it closed
        for change in remaining:
            print(f"  {change.place}")
            _print_change("      ", change)


def _print_change(indent: str, change: Change) -> None:
    where = f"[{' > '.join(change.scope)}] " if change.scope else ""
    before, after = ("(none)" if side is None else _short(side) for side in (change.before, change.after))
    print(f"{indent}state {where}{before}  ⇒  {after}")


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
