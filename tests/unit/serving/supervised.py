"""A process for the supervisor: it follows its job, and notes its starts in a file."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Alone, since the package imports MLflow.
ControlPipe = runpy.run_path(str(ROOT / "makiserve" / "serving" / "worker_slot.py"))["ControlPipe"]


class Asked(BaseException):
    pass


def ask(number: int, frame: object) -> None:
    raise Asked


def main() -> None:
    signal.signal(signal.SIGTERM, ask)
    try:
        link = ControlPipe(int(sys.argv[-1]))
        job = link.job
        with Path(job["log"]).open("a") as log:
            log.write(f"{job['name']} {os.getpid()} {os.getsid(0) == os.getpid()}\n")
        for how in job["does"]:
            if how == "report":
                link.report(f"{job['name']} here".encode())
            elif how == "once" and Path(job["log"]).read_text().count(job["name"] + " ") > 1:
                break
            elif isinstance(how, int):
                if how < 0:
                    os.kill(os.getpid(), -how)
                sys.exit(how)
        while True:
            time.sleep(0.05)  # signal.pause() would miss a signal that arrives just before it
    except Asked:
        if "stubborn" in job["does"]:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                signal.pause()
        sys.exit(job.get("drained", 0))


if __name__ == "__main__":
    main()
