"""Many keys: 1,000,000 items, 100,000 keys, nested groups, roll(5, 5), count; time and peak memory of a process."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import rx
from rich.console import Console
from rich.table import Table

ITEMS = 1_000_000
KEYS = 100_000


def run() -> None:
    """Both engines, each in a process of its own, and a process that only makes the items."""
    table = Table(title=f"{ITEMS:,} items, {KEYS:,} keys: group_by(group_by(roll(5, 5, count)))", title_justify="left")
    for column in ("", "s", "peak MB", "bytes a key"):
        table.add_column(column, justify="left" if not column else "right")
    base = 0
    for name in ("items alone", "makiserve", "rxsci"):
        command = [sys.executable, "-m", "benchmarks.grouping", name]
        seconds, kilobytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        base = base or int(kilobytes)
        a_key = "" if name == "items alone" else f"{(int(kilobytes) - base) * 1024 / KEYS:,.0f}"
        table.add_row(name, f"{float(seconds):.2f}", f"{int(kilobytes) / 1024:,.0f}", a_key)
    Console().print(table)


def pipeline(module: Any) -> Any:
    """Nested groups: a thousand of a hundred each."""
    counted = rx.pipe(module.data.roll(window=5, stride=5, pipeline=rx.pipe(module.ops.count(reduce=True))))
    inner = rx.pipe(module.ops.group_by(lambda i: i % KEYS, counted))
    return module.ops.group_by(lambda i: i % 1000, inner)


def contest(name: str) -> tuple[float, int]:
    """Seconds that a contestant takes, and the most kilobytes that the process then has, its imports long done."""
    import rxsci

    import makiserve.stream as rs
    from makiserve.stream.engine.program import Program
    from makiserve.stream.engine.trace import trace

    items = list(range(ITEMS))
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew
    start = time.perf_counter()
    if name == "makiserve":
        program = Program(trace(pipeline(rs)))
        outputs = program.feed(items, program.new_state()).outputs
        assert len(outputs) == ITEMS // 5
    elif name == "rxsci":
        rx.from_(items).pipe(rxsci.state.with_memory_store(pipeline(rxsci))).subscribe()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()
    return seconds, int(re.search(r"VmHWM:\s+(\d+)", status)[1])  # type: ignore[index]


if __name__ == "__main__":
    print(*contest(sys.argv[1]))
