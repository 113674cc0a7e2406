"""Time and peak memory with many keys: 1,000,000 items, 100,000 keys, nested groups, roll(5, 5), count."""

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
    """Run each engine in a separate process, and a process that only creates the items."""
    table = Table(title=f"{ITEMS:,} items, {KEYS:,} keys: group_by(group_by(roll(5, 5, count)))", title_justify="left")
    for column in ("", "s", "peak memory, MB", "bytes per key"):
        table.add_column(column, justify="left" if not column else "right")
    base = 0
    for name in ("only the items", "makiserve", "rxsci"):
        command = [sys.executable, "-m", "benchmarks.grouping", name]
        seconds, kilobytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        base = base or int(kilobytes)
        per_key = "" if name == "only the items" else f"{(int(kilobytes) - base) * 1024 / KEYS:,.0f}"
        table.add_row(name, f"{float(seconds):.2f}", f"{int(kilobytes) / 1024:,.0f}", per_key)
    Console().print(table)


def pipeline(module: Any) -> Any:
    """Return nested groups: 1,000 groups with 100 keys each."""
    count = rx.pipe(module.data.roll(window=5, stride=5, pipeline=rx.pipe(module.ops.count(reduce=True))))
    inner = rx.pipe(module.ops.group_by(lambda i: i % KEYS, count))
    return module.ops.group_by(lambda i: i % 1000, inner)


def measure(name: str) -> tuple[float, int]:
    """Return the seconds that a contestant takes and its peak memory in kB, both without the imports."""
    import rxsci

    import makiserve.stream as rs
    from makiserve.stream.engine.program import Program
    from makiserve.stream.engine.trace import trace

    items = list(range(ITEMS))
    Path("/proc/self/clear_refs").write_text("5")  # Linux: reset the peak
    start = time.perf_counter()
    if name == "makiserve":
        program = Program(trace(pipeline(rs)))
        outputs = program.feed(items, program.new_state()).outputs
        assert len(outputs) == ITEMS // 5
    elif name == "rxsci":
        rx.from_(items).pipe(rxsci.state.with_memory_store(pipeline(rxsci))).subscribe()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text()
    return seconds, int(re.search(r"VmHWM:\s+(\d+)", status)[1])


if __name__ == "__main__":
    print(*measure(sys.argv[1]))
