"""`makiserve explain`: the tree, the drawings, the times."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makiserve.cli.main import command
from makiserve.errors import ConfigurationError
from makiserve.stream.engine.drawing import dot, mermaid, tree
from makiserve.stream.engine.trace import trace
from models.electricity.data import write_house
from models.electricity.features import features

HOUSE = "models.electricity.features:features"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, ["explain", *arguments], catch_exceptions=False)


def test_the_tree_shows_operators_state_and_windows() -> None:
    shown = run(HOUSE).stdout
    assert "├ last" in shown
    assert "sliced into panes" in shown
    assert trace(features()).fingerprint in shown


def test_tree_and_drawings_have_every_operator() -> None:
    plan = trace(features())
    names = [str(line.operator) for line in tree(plan)]
    assert names == [str(operator) for operator in plan.walk()]
    assert mermaid(plan).count('["map"]') == dot(plan).count('[label="map"]') == 3
    assert mermaid(plan).count("subgraph") == mermaid(plan).count("  end")


def test_explain_with_data_shows_the_time_of_each_operator(tmp_path: Path) -> None:
    house = tmp_path / "house.csv"
    write_house(house, rows=1000, seed=7)
    shown = run(HOUSE, "--data", str(house)).stdout
    assert "µs per item" in shown
    times = [float(line.split()[-1]) for line in shown.splitlines()[1:8]]
    assert max(times) > 0


def test_explain_names_the_engine_and_the_called_functions(tmp_path: Path) -> None:
    file = tmp_path / "pipes.py"
    file.write_text(
        "import makiserve.stream as rs\n"
        "from models.electricity.features import Reading\n"
        "def columns(): return rs.ops.map(lambda i: dict(time=i.time))\n"
        "def rows(): return rs.data.sort()\n"
    )
    shown = run(f"{file}:columns").stdout
    assert "computed in columns" in shown
    assert "called for each item" in shown
    assert "computed item by item: sort has no columnar form" in run(f"{file}:rows").stdout


@pytest.mark.parametrize("ending", ["mmd", "dot", "svg", "png"])
def test_graphviz_output_is_drawn(tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"pipeline.{ending}"
    if ending in ("svg", "png") and not shutil.which("dot"):
        with pytest.raises(ConfigurationError, match="needs Graphviz"):
            run(HOUSE, "--output", str(output))
        return
    run(HOUSE, "--output", str(output))
    assert output.stat().st_size > 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere:features"], "No module named 'nowhere'"),
        (["models.electricity.features:nothing"], "no function 'nothing'"),
        ([HOUSE, "--output", "x.bmp"], "must end in .mmd, .dot, .svg or .png"),
    ],
)
def test_pipeline_that_cannot_be_explained_is_an_error(arguments: list[str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        run(*arguments)
