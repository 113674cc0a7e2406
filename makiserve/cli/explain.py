"""`makiserve explain`: what a pipeline is made of, what it remembers, and what it costs."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from makiserve.errors import ConfigurationError, DecodeError, PipelineError
from makiserve.schema import Record, RecordFile, Schema
from makiserve.stream.engine.drawing import dot, mermaid, tree
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.timing import time_operators
from makiserve.stream.engine.trace import trace

HELP = """Show a pipeline as a tree: its operators, their state, and how windows are computed.

\b
makiserve explain models.electricity.features:features
makiserve explain models.electricity.features:features --data house.csv --output pipeline.svg
"""

SAMPLE = 20_000
FORMATS = (".mmd", ".dot", ".svg", ".png")


@click.command(help=HELP)
@click.argument("pipeline", metavar="MODULE:FUNCTION")
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE", help="Records to time the operators on.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Draw it: .mmd (Mermaid), .dot, .svg or .png."
)
def explain(pipeline: str, data: Path | None, output: Path | None) -> None:
    """Show the tree of a pipeline, draw it, time it."""
    module, function = _find(pipeline)
    plan = trace(function())
    if output:
        _draw(plan, output)
    times = time_operators(plan, _sample(module, data)) if data else None
    _print(plan, times)


def _find(pipeline: str) -> tuple[ModuleType, Any]:
    name, _, function = pipeline.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = import_module(name)
    except ImportError as error:
        raise ConfigurationError(f"{pipeline}: {error}") from error
    factory = getattr(module, function or "features", None)
    if not callable(factory):
        raise ConfigurationError(f"{pipeline}: {name} has no function {function or 'features'!r}")
    return module, factory


def _sample(module: ModuleType, data: Path) -> list[Record]:
    """The first records of a file, of the record type that stands beside the pipeline."""
    found = [each for _, each in inspect.getmembers(module, inspect.isclass) if issubclass(each, Record)]
    types = [each for each in found if each is not Record]
    if len(types) != 1:
        names = ", ".join(each.__qualname__ for each in types) or "none"
        raise PipelineError(f"{module.__name__}: --data needs one record type beside the pipeline; there is {names}")
    blocks = RecordFile(data, Schema(types[0]))
    sample = list(islice((each for block in blocks for each in block if not isinstance(each, DecodeError)), SAMPLE))
    if not sample:
        raise ConfigurationError(f"{data}: no record in it can be read")
    return sample


def _print(plan: Plan, times: list[float] | None) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("operator", "state", "windows", *(("µs an item",) if times else ())):
        table.add_column(title, justify="right" if title == "µs an item" else "left")
    for index, line in enumerate(tree(plan)):
        sliced = getattr(line.operator, "is_sliced", None)
        windows = "" if sliced is None else "sliced into panes" if sliced else "each kept whole"
        state = f"{line.slots} slots" if line.slots > 1 else "1 slot" if line.slots else ""
        row = (line.branch + str(line.operator), state, windows)
        table.add_row(*row, *((f"{times[index]:.3f}",) if times else ()))
    screen = Console()
    screen.print(table)
    screen.print(f"\nplan {plan.fingerprint}", style="dim")
    for hidden in plan.hidden:
        screen.print(f"cannot be served: {hidden}", style="yellow")


def _draw(plan: Plan, output: Path) -> None:
    if output.suffix not in FORMATS:
        raise ConfigurationError(f"--output {output}: the name ends in one of {', '.join(FORMATS)}")
    if output.suffix in (".mmd", ".dot"):
        output.write_text((mermaid if output.suffix == ".mmd" else dot)(plan) + "\n")
        return
    program = shutil.which("dot")
    if program is None:
        raise ConfigurationError(f"--output {output}: Graphviz is needed (its command dot), or choose .mmd or .dot")
    command = [program, f"-T{output.suffix[1:]}", "-o", str(output)]
    subprocess.run(command, input=dot(plan), text=True, check=True)  # noqa: S603  a fixed command
