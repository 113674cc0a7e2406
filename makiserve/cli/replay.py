"""`makiserve --replay`: what a replay shows."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from makiserve.cli.served import load_served
from makiserve.replaying import Metrics, Replayed
from makiserve.replaying.differences import QUANTILES, Differences
from makiserve.replaying.validate import validate
from makiserve.settings import ModelSettings, ReplaySettings

SHOWN_DEAD = 3
FAILED = 1
"""The exit code where something required is not met, or compared outputs differ."""


def replay_file(what: ModelSettings, settings: ReplaySettings) -> int:
    """Replay a file with a progress bar and print what came of it; the exit code."""
    screen = Console(stderr=True)
    packaged = load_served(what)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn()
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(settings.source.name, total=None, rate="")
        done = 0

        def progress(rows: int, part: float | None) -> None:
            nonlocal done
            done += rows
            elapsed = bar.tasks[0].elapsed or 1e-9
            bar.update(
                task,
                total=None if part is None else 1.0,
                completed=part or 0.0,
                rate=f"{done:,} rows, {done / elapsed:,.0f}/s",
            )

        validation = validate(packaged, settings, progress)
    print_result(validation.replayed, settings.output)
    if validation.differences:
        print_differences(validation.differences)
    for verdict in validation.verdicts:
        print(f"required      {verdict}")
    if settings.report:
        print(f"report        {settings.report}")
    return 0 if validation.passed else FAILED


def print_result(replayed: Replayed, output: Path | None) -> None:
    """Rows, rate, dead letters and metrics, on stdout."""
    rate = replayed.rows / max(replayed.seconds, 1e-9)
    print(f"rows          {replayed.rows:,} in {replayed.seconds:.2f} s ({rate:,.0f} rows/s)")
    print(f"predictions   {replayed.written:,}" + (f" → {output}" if output else ""))
    print(f"dead letters  {replayed.reasons.total():,}{_reasons(replayed)}")
    for source, offset, error in replayed.dead[:SHOWN_DEAD]:
        print(f"              {source}@{offset}: {error}")
    if replayed.metrics:
        print_metrics(replayed.metrics)


def print_metrics(metrics: Metrics) -> None:
    """The figures of the model, and beside them those that need no model."""
    print(f"{'':14}{'model':>12}" + "".join(f"{name:>15}" for name in metrics.baselines))
    for name, value in metrics.figures.items():
        others = (f"{figures[name]:15.6g}" if name in figures else f"{'':15}" for figures in metrics.baselines.values())
        print(f"{name:14}{value:12.6g}{''.join(others)}")
    print(f"{'measured on':14}{metrics.rows:>12,}")
    for group in metrics.groups:
        first, value = next(iter(group.figures.items()))
        print(f"{first:14}{value:12.6g} on {group.rows:,} of {group.by} {group.value or '(all smaller ones)'}")


def print_differences(found: Differences) -> None:
    """Whether two replays gave the same, by how much they differ, and where first."""
    word = "the same as" if found.agree else "different from"
    print(f"outputs       {word} {found.against}, tolerance {found.tolerance:g}")
    print(
        f"              {found.matched:,} on both sides, {found.missing:,} only there, {found.unexpected:,} only here"
    )
    for column in found.columns:
        if column.differing:
            parts = zip(QUANTILES, column.quantiles, strict=False)  # what is no number has none
            sizes = "".join(f", {part:.0%} within {size:.3g}" for part, size in parts)
            print(f"              {column.name}: {column.differing:,} differ, by at most {column.largest:.6g}{sizes}")
    for place in found.first:
        there, here = (side or "no output" for side in (place.expected, place.found))
        print(f"              {place.source}@{place.offset}: there {there}, here {here}")


def _reasons(replayed: Replayed) -> str:
    counts = [f"{reason}: {count:,}" for reason, count in replayed.reasons.most_common()]
    return f" ({', '.join(counts)})" if counts else ""
