"""The files and names in the documents exist, and generated pages equal their sources."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import Any

from docs import python_api
from makiserve import errors

ROOT = Path(__file__).resolve().parents[3]


def test_files_in_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"`((?:makiserve|tests)/[\w/.]+\.py)`", text)
    assert len(named) > 30
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_names_in_the_walks_are_defined() -> None:
    section = (ROOT / "ARCHITECTURE.md").read_text().partition("## Walks\n")[2].partition("\n## ")[0]
    walks = re.findall(r"^\*\*(Where [^*]*)\*\*\n((?:.+\n)+)", section, re.MULTILINE)
    assert len(walks) == 8
    for question, walk in walks:
        steps = re.findall(r"`(makiserve/[\w/]+\.py)`((?:(?!`makiserve/).)*)", walk, re.DOTALL)
        assert len(steps) >= 4, question
        for file, text in steps:
            names = set(re.findall(r"`([\w.]+)`", text))
            assert names, f"{question} {file}"
            assert names - defined(ROOT / file) == set(), f"{question} {file}"


def defined(file: Path) -> set[str]:
    """Return the names of the functions, classes and methods of a file."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = (member for member in node.body if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef))
            names |= {f"{node.name}.{method.name}" for method in methods}
    return names


def test_operator_reference_equals_the_docstrings() -> None:
    written = {path.name: path.read_text() for path in (ROOT / "docs" / "operators").glob("*.md")}
    assert written == _generator("generate").pages(), "run `make docs`"


def test_reference_equals_settings_and_commands() -> None:
    for name, text in _generator("reference").pages().items():
        assert (ROOT / "docs" / "reference" / name).read_text() == text, f"{name}: run `make docs`"


def test_python_reference_equals_the_docstrings() -> None:
    assert (ROOT / "docs" / "reference" / "python.md").read_text() == python_api.page(), "run `make docs`"


def test_every_exit_code_is_in_the_reference() -> None:
    classes = [
        error_class
        for error_class in vars(errors).values()
        if isinstance(error_class, type) and hasattr(error_class, "exit_code")
    ]
    text = (ROOT / "docs" / "reference" / "errors.md").read_text()
    assert [error_class for error_class in classes if f"\n| {error_class.exit_code} | " not in text] == []


def _generator(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
