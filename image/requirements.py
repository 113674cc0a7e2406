"""What the serving image installs: the package's dependencies, of MLflow the part without its server and its pages.

`mlflow-skinny` is the same code at the same version. It lacks what runs a tracking server, and with that a third of the
image; a service only asks one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def requirements(project: str) -> list[str]:
    """The dependencies of a pyproject.toml, as a service needs them."""
    found = [Requirement(line) for line in tomllib.loads(project)["project"]["dependencies"]]
    for each in found:
        each.name = "mlflow-skinny" if each.name == "mlflow" else each.name
    return [str(each) for each in found]


if __name__ == "__main__":
    print("\n".join(requirements(PROJECT.read_text(encoding="utf-8"))))
