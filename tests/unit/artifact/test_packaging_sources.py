"""The files of a project that are packaged, and those that cannot be."""

from __future__ import annotations

import doctest
import functools
import importlib
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import rx

import makiserve
from makiserve.artifact import load
from makiserve.artifact.environment import environment_differences, requirements, with_requirements
from makiserve.artifact.source.collect import collect, imported_modules
from makiserve.artifact.source.sources import Sources, read_sources
from makiserve.errors import ConfigurationError
from tests.loops import loop_over
from tests.unit.artifact.example import FEATURES, HOUSE, UNITS, forget, write

Project = Callable[[dict[str, str], str], ModuleType]
Log = Callable[..., Any]


def collected(house: ModuleType) -> Any:
    return collect(house.features, house.Reading)


@loop_over(
    ("source", "names"),
    [
        ("import a.b as c, d", {"a.b", "d"}),
        ("from a import b", {"a", "a.b"}),
        ("from a import *", {"a"}),
        ("from . import units", {"house", "house.units"}),
        ("from .deep.units import celsius", {"house.deep.units", "house.deep.units.celsius"}),
        ("def f():\n    try:\n        import late\n    except ImportError: pass", {"late"}),
        ("if TYPE_CHECKING:\n    import types_only\nelse:\n    import real", {"real"}),
        ("import typing\nif typing.TYPE_CHECKING:\n    import types_only", {"typing"}),
    ],
)
def test_imports_are_seen_wherever_they_would_run(source: str, names: set[str]) -> None:
    assert imported_modules(source.encode(), "house.features", is_package=False) == names


def test_the_examples_are_true() -> None:
    results = doctest.testmod(sys.modules[imported_modules.__module__])
    assert (results.attempted, results.failed) == (1, 0)


def test_the_modules_that_the_pipeline_imports_are_packaged_and_no_others(project: Project) -> None:
    files = HOUSE | {
        "house/features.py": FEATURES + "from house.deep.weather import wind\nimport cabin\n",
        "house/deep/weather.py": "from .. import constants\nwind = constants.WIND\n",  # `deep` has no __init__.py
        "house/constants.py": "WIND = 1\n",
        "house/train.py": "raise SystemExit('not of the pipeline')\n",
        "cabin.py": "import json\n",
    }

    collection = collected(project(files, "house.features"))

    assert set(collection.sources.files) == set(files) - {"house/train.py"}
    assert collection.imports == {"rx"}
    assert (collection.entry_point, collection.record) == ("house.features:features", "house.features:Reading")


def test_a_record_type_may_be_in_another_module(project: Project) -> None:
    record = "import makiserve\nclass Reading(makiserve.Record):\n    minute: int\n"
    house = project(HOUSE | {"cabin/records.py": record}, "house.features")
    records = importlib.import_module("cabin.records")

    collection = collect(house.features, records.Reading)

    assert collection.record == "cabin.records:Reading"
    assert "cabin/records.py" in collection.sources.files


def test_packages_without_init_files_are_loaded_as_they_were_logged(log: Log, project: Project) -> None:
    files = {path: text for path, text in HOUSE.items() if not path.endswith("__init__.py")}
    uri = log(project(files, "house.features")).model_uri
    forget("house")

    assert load(uri).features.__module__ == "house.features"


def test_a_module_of_the_script_directory_is_packaged_by_its_plain_name(log: Log, project: Project) -> None:
    cabin = project({"cabin.py": FEATURES.replace("house.units", "house_units"), "house_units.py": UNITS}, "cabin")
    uri = log(cabin).model_uri
    forget("cabin", "house_units")

    assert load(uri).features.__module__ == "cabin"


def test_a_pipeline_of_a_script_or_notebook_is_refused(house: ModuleType) -> None:
    house.features.__module__ = "__main__"

    with pytest.raises(ConfigurationError, match="move it into a separate module"):
        collected(house)


def test_a_pipeline_without_a_name_to_import_it_by_is_refused(house: ModuleType) -> None:
    def local() -> Any:
        return house.features()

    with pytest.raises(ConfigurationError, match="is not defined at the top level of its module"):
        collect(local, house.Reading)
    with pytest.raises(ConfigurationError, match="is not defined at the top level of its module"):
        collect(lambda: house.features(), house.Reading)
    with pytest.raises(ConfigurationError, match="cannot be imported by name"):
        collect(functools.partial(house.features), house.Reading)


def test_a_file_that_was_edited_since_its_import_is_refused(house: ModuleType, tmp_path: Path) -> None:
    write({"house/features.py": FEATURES.replace("i.wind", "2 * i.wind")}, tmp_path / "project")

    with pytest.raises(ConfigurationError, match="has changed since it was imported"):
        collected(house)


def test_a_module_named_like_one_of_the_standard_library_is_refused(project: Project) -> None:
    house = project(
        HOUSE | {"cabin.py": "", "colorsys.py": "", "house/units.py": "import colorsys\n" + UNITS}, "house.features"
    )

    with pytest.raises(ConfigurationError, match="'colorsys' has the name of a standard library module"):
        collected(house)


def test_a_module_named_like_an_installed_one_is_refused(project: Project) -> None:
    files = {"msgspec_house.py": "", "pluggy.py": UNITS, "cabin.py": FEATURES.replace("house.units", "pluggy")}
    pluggy = sys.modules.pop("pluggy")
    try:
        cabin = project(files, "cabin")
        with pytest.raises(ConfigurationError, match="'pluggy' has the name of an installed one, in "):
            collected(cabin)
    finally:
        sys.modules["pluggy"] = pluggy


@pytest.mark.slow
def test_an_installed_project_is_packaged_without_its_neighbours(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    write(HOUSE | {"house/units.py": "import cabin\n" + UNITS, "cabin.py": ""}, site)
    write(
        {"cabin-1.5.dist-info/METADATA": "Name: cabin\nVersion: 1.5\n", "cabin-1.5.dist-info/RECORD": "cabin.py,,\n"},
        site,
    )
    sys.path.insert(0, str(site))
    importlib.invalidate_caches()

    collection = collected(importlib.import_module("house.features"))

    assert set(collection.sources.files) == set(HOUSE)
    assert collection.imports == {"rx", "cabin"}
    assert "cabin==1.5" in requirements(collection.imports)


@pytest.mark.slow
def test_requirements_are_pinned_to_what_is_installed_here() -> None:
    assert requirements({"rx", "sklearn"}) == [
        f"makiserve=={makiserve.__version__}",
        f"Rx=={metadata.version('rx')}",
        f"scikit-learn=={metadata.version('scikit-learn')}",
    ]
    assert rx.__name__ == "rx"


@pytest.mark.slow
def test_requirements_after_an_installation_name_what_was_installed(tmp_path: Path) -> None:
    sys.path.insert(0, str(tmp_path))
    assert requirements({"hut"}) == requirements(set())
    write({"hut.py": "", "cabin-1.5.dist-info/METADATA": "Name: cabin\nVersion: 1.5\n"}, tmp_path)
    write({"cabin-1.5.dist-info/RECORD": "hut.py,,\n"}, tmp_path)
    importlib.invalidate_caches()
    assert "cabin==1.5" in requirements({"hut"})


@pytest.mark.slow
def test_optional_import_that_is_absent_is_not_a_requirement() -> None:
    assert requirements({"no_such_module_anywhere"}) == requirements(set())


@pytest.mark.slow
def test_an_import_that_no_service_would_have_is_refused(tmp_path: Path) -> None:
    write({"cabin.py": ""}, tmp_path / "elsewhere")
    sys.path.insert(0, str(tmp_path / "elsewhere"))
    importlib.invalidate_caches()

    with pytest.raises(ConfigurationError, match=r"'cabin' from .*, which is neither in its source tree nor"):
        requirements({"cabin"})


def test_requirements_of_the_user_are_completed_not_replaced() -> None:
    assert with_requirements(["rx"], {"pip_requirements": ["a"]}) == {"pip_requirements": ["a", "rx"]}
    assert with_requirements(["rx"], {"pip_requirements": "file.txt"}) == {"pip_requirements": ["-r file.txt", "rx"]}
    assert with_requirements(["rx"], {}) == {"extra_pip_requirements": ["rx"]}


def test_the_digest_changes_with_any_byte_of_a_path_or_a_content(tmp_path: Path) -> None:
    sources = Sources({"a.py": b"1", "b.py": b"2"})
    others = [{"a.py": b"1"}, {"a.py": b"1", "b.py": b"3"}, {"a.py": b"1", "c.py": b"2"}, {"a.py": b"1b.py2"}]

    sources.write(tmp_path)

    assert read_sources(tmp_path).digest == sources.digest == Sources({"b.py": b"2", "a.py": b"1"}).digest
    assert len({sources.digest, *(Sources(files).digest for files in others)}) == 5


def test_another_python_is_a_difference_but_another_patch_release_is_none(tmp_path: Path) -> None:
    here = ".".join(map(str, sys.version_info[:3]))

    assert environment_differences(tmp_path / "none", here) == ()
    assert environment_differences(tmp_path / "none", f"{here}9") == ()
    assert environment_differences(tmp_path / "none", "2.7.18") == (f"python: packaged 2.7.18, here {here}",)
