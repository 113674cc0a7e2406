"""Write the operator reference, docs/operators, from the docstrings: `make docs`.

There is a page for each module of the vocabulary. A test compares the pages with the docstrings.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PAGES = Path(__file__).parent / "operators"
MODULES = {
    "ops": "ops",
    "data": "data",
    "math": "math",
    "math.formal": "math.formal",
    "math.dist": "math.dist",
    "state": "state",
    "error": "error",
    "container.csv": "container.csv",
    "container.json": "container.json",
    "container.parquet": "container.parquet",
    "io": "io",
    "framing.line": "framing.line",
    "framing.length_prefix": "framing.length_prefix",
    "compression.z": "compression.z",
    "compression.zstd": "compression.zstd",
}
MISSING_VALUES = "skip_missing: bool = False, min_periods: int | None = None"
SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Warns")


def main() -> None:
    """Write all pages."""
    PAGES.mkdir(exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text)


def pages() -> dict[str, str]:
    """Return the pages by file name."""
    pages = {f"{name}.md": page(name) for name in MODULES}
    lines = [
        "# Operators\n",
        "`import makiserve.stream as rs`. Generated from the docstrings; `pydoc` shows the same.\n",
    ]
    lines += [f"- [rs.{name}]({name}.md): {summary(vocabulary_module(name))}" for name in MODULES]
    return pages | {"README.md": "\n".join(lines) + "\n"}


def page(name: str) -> str:
    """Return the page of a module."""
    parts = [f"# rs.{name}\n\n{inspect.getdoc(vocabulary_module(name))}\n"]
    parts += [
        operator(f"rs.{name}.{function_name}", function) for function_name, function in public(vocabulary_module(name))
    ]
    return "\n".join(parts)


def operator(name: str, function: Any) -> str:
    """Return the section of an operator: its signature and docstring."""
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(function)))
    star = "" if "*, " in signature else "*, "
    signature = signature.replace("**missing: Unpack[MissingValues]", f"{star}{MISSING_VALUES}")
    return f"## {name}\n\n```python\n{name}{signature}\n```\n\n{markdown(inspect.getdoc(function) or '')}\n"


def markdown(text: str) -> str:
    """Return a Google docstring as Markdown, with sections as headings, arguments as a list, and examples as code."""
    lines, inside, fenced = [], "", False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (line.startswith((">>> ", "... ")) or inside == ">>>") and line.strip():
            lines += [*(["```python"] if inside != ">>>" else []), line]
            inside = ">>>"
            continue
        if inside == ">>>":
            lines.append("```")
            inside = ""
        if line.rstrip(":") in SECTIONS and line.endswith(":"):
            inside = line.rstrip(":")
            lines.append(f"**{inside}**\n")
            continue
        lines.append(_item(line) if inside and line.startswith("    ") else line)
    return "\n".join([*lines, *(["```"] if inside == ">>>" else [])])


def _item(line: str) -> str:
    item = re.match(r"    (\w[\w*]*): (.*)", line)
    return f"- `{item[1]}`: {item[2]}" if item else f"  {line.strip()}"


def vocabulary_module(name: str) -> ModuleType:
    """Return a module of the vocabulary."""
    return importlib.import_module(f"makiserve.stream.{name}")


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield the public functions of a module, sorted by name."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for name in sorted(names):
        function = getattr(module, name)
        if inspect.isfunction(function) and function.__module__.startswith("makiserve.stream"):
            yield name, function


def summary(module: ModuleType) -> str:
    """Return the first line of a module's docstring."""
    return (inspect.getdoc(module) or "").splitlines()[0]


if __name__ == "__main__":
    main()
