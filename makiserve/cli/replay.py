"""`makiserve --replay`: what a replay shows."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from makiserve.cli.served import load_served
from makiserve.replaying import Metrics, Replayed, replay
from makiserve.settings import ModelSettings, ReplaySettings

SHOWN_DEAD = 3


def replay_file(what: ModelSettings, settings: ReplaySettings) -> None:
    """Replay a file with a progress bar and print what came of it."""
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

        replayed = replay(
            packaged,
            settings.source,
            output=settings.output,
            label=settings.label,
            collect=False,
            progress=progress,
        )
    print_result(replayed, settings.output)


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


def _reasons(replayed: Replayed) -> str:
    counts = [f"{reason}: {count:,}" for reason, count in replayed.reasons.most_common()]
    return f" ({', '.join(counts)})" if counts else ""
