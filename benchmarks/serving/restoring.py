"""The time that a starting worker takes to restore the state of many keys."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from benchmarks.serving.many_keys import PARTITIONS, ManyKeys, wait

KEYS = 300_000
PHASE_LINE = re.compile(r"^(\S+ \S+) .*(→ restoring|→ running)", re.MULTILINE)


def measure(servers: str, folder: Path, scale: float) -> None:
    """Build the state, stop, start again, and print the restore time from the log of the second start."""
    keys = ManyKeys(servers, folder, "restoring", int(KEYS * scale))
    with keys.service("built") as process:
        keys.fill(process)
    size = _state_bytes(keys)
    with keys.service("restored") as process:
        wait(process, lambda: process.log.read_text().count("→ running") == PARTITIONS)
    moments = [
        datetime.fromisoformat(timestamp.replace(",", "."))
        for timestamp, _ in PHASE_LINE.findall(process.log.read_text())
    ]
    seconds = (max(moments) - min(moments)).total_seconds()
    print(f"\nRestoring {keys.keys:,} keys, {PARTITIONS} partitions, {size / 1e6:.1f} MB in the state topic\n")
    print("| s | keys per s | MB per s |\n|---|---|---|")
    print(f"| {seconds:.2f} | {keys.keys / seconds:,.0f} | {size / seconds / 1e6:.1f} |")


def _state_bytes(keys: ManyKeys) -> int:
    """Return the size of all committed records of the state topic, keys and values."""
    reader, size, ended = keys.reader(keys.state, 0, **{"enable.partition.eof": True}), 0, 0
    while ended < PARTITIONS:
        for message in reader.consume(10_000, 1.0):
            if message.error():
                ended += 1
            else:
                size += len(message.key() or b"") + len(message.value() or b"")
    reader.close()
    return size
