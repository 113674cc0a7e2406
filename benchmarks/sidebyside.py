"""Run contestants in turn, A B C A B C …, and report each one's median and its ratio to a reference.

Machines are shared and noisy, so the ratios within one run are the result. The times only show their scale.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Contestant:
    """A candidate in a race.

    Attributes:
        name: its name in the table.
        run: does the work once.
        items: number of items in a run.
    """

    name: str
    run: Callable[[], object]
    items: int


def race(title: str, contestants: list[Contestant], *, rounds: int = 5) -> dict[str, float]:
    """Run all contestants `rounds` times in turn. Print and return the median of microseconds per item.

    The first contestant is the reference of the ratios.
    """
    times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            gc.collect()
            start = time.perf_counter()
            contestant.run()
            times[contestant.name].append((time.perf_counter() - start) / contestant.items * 1e6)
    medians = {name: statistics.median(values) for name, values in times.items()}
    reference = medians[contestants[0].name]
    table = Table(title=title, title_justify="left")
    for column in ("", "µs per item", "min…max", "items/s", f"÷ {contestants[0].name}"):
        table.add_column(column, justify="left" if not column else "right")
    for name, median in medians.items():
        spread = f"{min(times[name]):.3f}…{max(times[name]):.3f}"
        table.add_row(name, f"{median:.3f}", spread, f"{1e6 / median:,.0f}", f"{median / reference:.2f}")
    Console().print(table)
    return medians
