"""The requirements of the serving image: the package's dependencies, with `mlflow-skinny` instead of `mlflow`.

`mlflow-skinny` is the same code at the same version without the tracking server, of which a service is only a client.
This makes the image a third smaller.
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
    """Return the dependencies in a pyproject.toml that a service needs."""
    dependencies = [Requirement(line) for line in tomllib.loads(project)["project"]["dependencies"]]
    for dependency in dependencies:
        dependency.name = "mlflow-skinny" if dependency.name == "mlflow" else dependency.name
    return [str(dependency) for dependency in dependencies]


if __name__ == "__main__":
    print("\n".join(requirements(PROJECT.read_text(encoding="utf-8"))))
