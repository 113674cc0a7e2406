"""The environment of a user's terminal, for tests that run the commands of a page."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def new_terminal(folder: Path, **variables: str) -> dict[str, str]:
    """Return the variables of a terminal in which makiserve is installed, with its programs in `folder`/bin.

    MLflow keeps its settings in variables of the process: those of earlier tests are left out.
    """
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, module in (("makiserve", "-m makiserve"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {module} "$@"\n')
        program.chmod(0o755)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return ours | {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)} | variables
