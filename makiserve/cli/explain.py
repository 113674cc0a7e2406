"""`makiserve explain`: show the operators of a pipeline, their state and their cost."""

from __future__ import annotations

import shutil
import subprocess
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.records import Record, RecordFile, Schema
from makiserve.scoring.entry_point import find_pipeline
from makiserve.stream.columns.engine_choice import explain as explain_engine
from makiserve.stream.engine.drawing import dot, mermaid, tree
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.timing import time_operators

HELP = """Show a pipeline as a tree: its operators, their state, and how windows are computed.

\b
makiserve explain models.electricity.features:features
makiserve explain models.electricity.features:features --data house.csv --output pipeline.svg

The argument is the function that returns the pipeline: MODULE:FUNCTION, with a module in the working directory or an
installed one, or FILE.py:FUNCTION. The default FUNCTION is features.
"""

SAMPLE = 20_000
FORMATS = (".mmd", ".dot", ".svg", ".png")


@click.command(help=HELP)
@click.argument("pipeline", metavar="MODULE:FUNCTION|FILE.py:FUNCTION")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Records on which to measure the time of each operator.",
)
@click.option(
    "--na-values",
    multiple=True,
    metavar="TEXT",
    help="With --data: the text of CSV cells to read as None for an optional field; repeatable.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a diagram: .mmd (Mermaid), .dot, .svg or .png.",
)
def explain(pipeline: str, data: Path | None, na_values: tuple[str, ...], output: Path | None) -> None:
    """Print the tree of a pipeline; draw and time it if asked to."""
    entry_point = find_pipeline(pipeline)
    plan = entry_point.plan()
    if output:
        _draw(plan, output)
    times = time_operators(plan, _sample(Schema(entry_point.record, na_values or None), data)) if data else None
    _print(plan, times)


def _sample(schema: Schema, data: Path) -> list[Record]:
    """Return the first records of a file."""
    blocks = RecordFile(data, schema)
    records = (record for block in blocks for record in block if not isinstance(record, DecodeError))
    sample = list(islice(records, SAMPLE))
    if not sample:
        raise ConfigurationError(f"{data} contains no valid record")
    return sample


def _print(plan: Plan, times: list[float] | None) -> None:
    table = Table(box=None, pad_edge=False)
    engine = explain_engine(plan)
    calls = ("called for each item",) if engine.calls else ()
    for title in ("operator", "state", "windows", *calls, *(("µs per item",) if times else ())):
        table.add_column(title, justify="right" if title == "µs per item" else "left")
    for index, line in enumerate(tree(plan)):
        sliced = getattr(line.operator, "is_sliced", None)
        windows = "" if sliced is None else "sliced into panes" if sliced else "separate state per window"
        state = f"{line.slots} slots" if line.slots > 1 else "1 slot" if line.slots else ""
        row = (line.branch + str(line.operator), state, windows)
        called = (engine.calls.get(line.path, ""),) if calls else ()
        table.add_row(*row, *called, *((f"{times[index]:.3f}",) if times else ()))
    screen = Console()
    screen.print(table)
    screen.print(f"\nplan {plan.fingerprint}", style="dim")
    screen.print(f"computed item by item: {engine.rows_because}" if engine.rows_because else "computed in columns")
    for hidden in plan.hidden:
        screen.print(f"cannot be served: {hidden}", style="yellow")


def _draw(plan: Plan, output: Path) -> None:
    if output.suffix not in FORMATS:
        raise ConfigurationError(f"--output {output}: the name must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    if output.suffix in (".mmd", ".dot"):
        output.write_text((mermaid if output.suffix == ".mmd" else dot)(plan) + "\n")
        return
    program = shutil.which("dot")
    if program is None:
        raise ConfigurationError(
            f"--output {output}: needs Graphviz (the command dot). Install it, or choose .mmd or .dot"
        )
    command = [program, f"-T{output.suffix[1:]}", "-o", str(output)]
    subprocess.run(command, input=dot(plan), text=True, check=True)  # noqa: S603  a fixed command
