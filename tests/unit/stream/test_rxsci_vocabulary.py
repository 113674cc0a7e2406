"""Every public name and signature of RxSci 0.33 exists here, except those that the documentation lists."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import rxsci

import makiserve.stream
from tests.loops import loop_over

PAGE = (Path(__file__).parents[3] / "docs/explanation/rxsci.md").read_text()
TABLE = PAGE.split("## Names that do not exist here")[1].split("\n## ")[0]
DIFFERENCES = {
    word
    for row in re.findall(r"^\| (.*?) \|", TABLE, re.MULTILINE)
    for span in re.findall(r"`(.*?)`", row)
    for word in re.findall(r"\w+", span)
}
PACKAGES = {
    "": "",
    "ops": "operators",
    **{
        name: name
        for name in (
            "data",
            "math",
            "math.dist",
            "math.formal",
            "state",
            "error",
            "compression.z",
            "compression.zstd",
            "container.csv",
            "container.json",
            "container.parquet",
            "framing.line",
            "framing.length_prefix",
            "io",
            "io.file",
        )
    },
}
"""The name of a package here, and its name in RxSci."""

for submodule in pkgutil.walk_packages(rxsci.__path__, "rxsci."):
    importlib.import_module(submodule.name)


def module(root: str, package: str) -> Any:
    return importlib.import_module(f"{root}.{package}".rstrip("."))


def names() -> Iterator[tuple[str, Any, Any]]:
    """The name of each function and class that RxSci defines, RxSci's object, and the one here or None."""
    for here, there in PACKAGES.items():
        ours = module("makiserve.stream", here)
        for name, value in vars(module("rxsci", there)).items():
            is_own = callable(value) and getattr(value, "__module__", "").startswith("rxsci")
            if is_own and not name.startswith("_"):
                yield name, value, getattr(ours, name, None)


NAMES = list(names())
PRESENT = [(name, theirs, ours) for name, theirs, ours in NAMES if ours is not None]


def default(value: Any) -> Any:
    """A default as it acts: a list like a tuple, and a function that does what None does here like None."""
    return None if inspect.isfunction(value) else tuple(value) if isinstance(value, list) else value


def test_every_name_exists_or_is_a_documented_difference() -> None:
    missing = {name for name, _, ours in NAMES if ours is None}
    assert missing - DIFFERENCES == set()
    assert len(PRESENT) > 80


@loop_over(("name", "theirs", "ours"), PRESENT, ids=[f"{module.__module__}.{name}" for name, module, _ in PRESENT])
def test_every_call_that_rxsci_takes_is_taken(name: str, theirs: Any, ours: Any) -> None:
    if name == "MemoryStore":  # a name for a store, which only `StoreManager` is given
        return
    parameters = iter(inspect.signature(ours).parameters.values())
    for expected in inspect.signature(theirs).parameters.values():
        if (expected.name, expected.default) == ("sources", None):  # of multiplexed streams
            continue
        actual = next(parameters)
        assert actual.kind == expected.kind
        assert actual.kind == actual.VAR_POSITIONAL or actual.name == expected.name
        if expected.default is not expected.empty and expected.name not in ("encoding", "pipeline"):
            assert default(actual.default) == default(expected.default)
    assert all(added.default is not added.empty or added.kind is added.VAR_KEYWORD for added in parameters)


@pytest.mark.parametrize("path", ["compression.z", "container.csv", "framing.line", "io.file", "math.dist"])
def test_a_module_can_be_imported_by_the_path_that_rxsci_gives_it(path: str) -> None:
    module = importlib.import_module(f"makiserve.stream.{path}")
    assert module is attrgetter(path)(makiserve.stream)
    assert module.__name__.startswith("makiserve.stream.rxsci.")
