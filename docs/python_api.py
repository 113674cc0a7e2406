"""Write docs/reference/python.md, the Python API, from the docstrings: `make docs`. A test compares them."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import makiserve
import makiserve.offline
import makiserve.testing
from docs.generate import markdown

PAGE = Path(__file__).parent / "reference" / "python.md"

HEAD = """# Python API

Generated from the docstrings. `import makiserve` is quick: pandas and MLflow are imported when they are needed.

| to | use |
|---|---|
| declare records | `Record`, `field` |
| compute training data | `features_frame` |
| package features with a model | `log_model`, `log_features`, `attach` |
| score files, frames and topics | `replay`, `TopicSpan`, `load` |
| test a pipeline | `assert_repeatable`, `PipelineDriver` |

[Operators](../operators/README.md) · [Spark](../how-to/spark.md) · [errors](errors.md)

`makiserve.field(name=…, default=…, default_factory=…)` declares a field of a `Record` or of the class that a pipeline
emits: `name` is its name in the data, or the model's name for the feature.
"""
SHOWN = {
    "makiserve": (
        makiserve,
        (
            "Record",
            "features_frame",
            "log_model",
            "log_features",
            "attach",
            "replay",
            "TopicSpan",
            "load",
            "Prediction",
        ),
    ),
    "makiserve.offline": (makiserve.offline, ("Replayed", "Selection")),
    "makiserve.testing": (makiserve.testing, makiserve.testing.__all__),
}
WITHOUT_ARGUMENTS = {"Record", "Replayed", "PipelineDriver"}
"""Classes whose arguments are not shown: users subclass them, do not make them, or find them in the docstring."""

SHORT = 80
"""The length up to which arguments are on one line."""


def page() -> str:
    """Return the page."""
    parts = [section(module, name, getattr(home, name)) for module, (home, names) in SHOWN.items() for name in names]
    return "\n".join([HEAD, *parts])


def section(module: str, name: str, documented: Any) -> str:
    """Return the section of a function or class: its arguments with their defaults, and its docstring."""
    call = f"{module}.{name}"
    if name not in WITHOUT_ARGUMENTS:
        call += arguments(documented)
    text, _, example = (inspect.getdoc(documented) or "").partition("\nExample:\n")
    shown = f"\n\n{markdown(textwrap.dedent(example))}" if example else ""
    return f"## {module}.{name}\n\n```python\n{call}\n```\n\n{markdown(text)}{shown}\n"


def arguments(documented: Any) -> str:
    """Return the arguments of a call, one a line if there are many. The docstring describes their types."""
    parameters = []
    for parameter in inspect.signature(documented).parameters.values():
        bare = str(parameter.replace(annotation=inspect.Parameter.empty))
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in parameters:
            parameters.append("*")
        parameters.append(bare.replace("<factory>", "{}").replace("'", '"'))
    text = f"({', '.join(parameters)})"
    return text if len(text) <= SHORT else "(\n    " + ",\n    ".join(parameters) + ",\n)"


if __name__ == "__main__":
    PAGE.write_text(page())
