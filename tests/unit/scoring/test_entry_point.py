"""A pipeline is found by its name, or it is said why not."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from makiserve.errors import ConfigurationError
from makiserve.scoring.entry_point import find_pipeline
from models.electricity import features as electricity

SOURCE = """
import makiserve
import makiserve.stream as rs

class Step(makiserve.Record):
    value: float

def features():
    return rs.ops.map(lambda step: step.value)

def broken():
    raise KeyError("THRESHOLD")

number = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return tmp_path


def write(path: Path, source: str = SOURCE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return path


@pytest.mark.parametrize("name", ["models.electricity.features:features", "models.electricity.features"])
def test_module_is_imported_and_function_defaults_to_features(name: str) -> None:
    entry_point = find_pipeline(name)
    assert entry_point.features is electricity.features
    assert entry_point.record is electricity.Reading
    assert not entry_point.plan().stateless


@pytest.mark.parametrize("name", ["steps_here:features", "steps_here.py:features", "steps_here.py"])
def test_module_in_the_current_folder_is_found_by_name_and_file(here: Path, name: str) -> None:
    write(here / "steps_here.py")
    entry_point = find_pipeline(name)
    assert (entry_point.module.__name__, entry_point.record.__name__) == ("steps_here", "Step")


def test_a_file_in_a_package_keeps_its_dotted_name(here: Path) -> None:
    write(here / "elsewhere" / "house_package" / "__init__.py", "")
    write(here / "elsewhere" / "house_package" / "units.py", "FACTOR = 2")
    file = write(here / "elsewhere" / "house_package" / "steps.py", "from . import units" + SOURCE)
    assert find_pipeline(f"{file}:features").module.__name__ == "house_package.steps"


def test_of_several_record_types_the_input_is_named(here: Path) -> None:
    write(here / "two_records.py", SOURCE + "\nclass Other(makiserve.Record):\n    value: float\n")
    with pytest.raises(ConfigurationError, match=r"it has: Other, Step\. .* two_records:features:NAME"):
        _ = find_pipeline("two_records:features").record
    assert find_pipeline("two_records:features:Step").record.__name__ == "Step"


def test_a_record_type_that_is_imported_counts_where_the_module_defines_none(here: Path) -> None:
    write(here / "its_records.py")
    write(here / "its_features.py", "from its_records import Step, features")
    assert find_pipeline("its_features").record.__name__ == "Step"


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        (
            "nowhere_at_all:features",
            "",
            "No module named 'nowhere_at_all'. It was searched in {here}; and in the other ",
        ),
        (
            "nowhere.py:features",
            "",
            "the file nowhere.py does not exist in {here}. A pipeline is named MODULE:FUNCTION",
        ),
        ("wrong_one.py:nothing", SOURCE, "no function 'nothing'; it defines broken, features. A pipeline is named"),
        ("wrong_six.py:feature", SOURCE, "no function 'feature'; it defines features. A pipeline is named"),
        (
            "wrong_four.py:features",
            "import none_such",
            "the import of wrong_four failed: No module named 'none_such'. Inst",
        ),
        (".wrong:features", "", "'.wrong' is not the name of a module. A pipeline is named MODULE:FUNCTION"),
        (":features", "", "'' is not the name of a module. A pipeline is named MODULE:FUNCTION"),
        ("models:/house/3", "", "the URI of a logged model is not the name of a pipeline"),
        ("models.house:features", "", "No module named 'models.house'. It was searched in {models}, which has "),
        ("wrong_two.py:number", SOURCE, "no function 'number'"),
        ("wrong_three.py", "1 / 0", "ZeroDivisionError: division by zero"),
        ("json.py", SOURCE, "is already imported as json"),
    ],
)
def test_module_or_function_that_is_not_found_is_named(here: Path, name: str, source: str, words: str) -> None:
    if source:
        write(here / name.partition(":")[0], source)
    expected = words.format(here=here, models=Path(electricity.__file__).parents[1])
    with pytest.raises(ConfigurationError, match=re.escape(expected)):
        find_pipeline(name)


def test_module_with_a_similar_name_is_suggested(here: Path) -> None:
    for name in ("house_features", "train"):
        write(here / f"{name}.py")
    (here / "house_package").mkdir()
    write(here / "house_package" / "__init__.py", "")
    with pytest.raises(ConfigurationError, match=f"searched in {here}, which has house_features; and"):
        find_pipeline("house_featurs:features")
    with pytest.raises(ConfigurationError, match=f"searched in {here}, which has house_features and house_package and"):
        find_pipeline("xyz:features")
    with pytest.raises(ConfigurationError, match="Write a colon before the function: house_features:features"):
        find_pipeline("house_features.features")


def test_failing_factory_and_missing_record_type_are_explained(here: Path) -> None:
    write(here / "fails_there.py", SOURCE.replace("makiserve.Record", ""))
    with pytest.raises(ConfigurationError, match="KeyError: 'THRESHOLD'"):
        find_pipeline("fails_there:broken").plan()
    with pytest.raises(ConfigurationError, match="it has: none"):
        _ = find_pipeline("fails_there").record
