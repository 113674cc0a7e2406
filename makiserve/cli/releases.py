"""The versions of the model that is served: found by its alias, and checked as it was before they serve."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass, replace

from makiserve.cli.beside import with_shadow
from makiserve.cli.exit import exit_with
from makiserve.cli.served import load_served
from makiserve.errors import ConfigurationError, ModelRefused
from makiserve.packaging import FeaturesOnly, PackagedModel, newest
from makiserve.settings import ModelSettings

NAME = "makiserve try-out"
TRY_OUT = [sys.executable, "-c", "from makiserve.cli.releases import main; main()"]


@dataclass(frozen=True)
class Releases:
    """The versions of one model.

    Attributes:
        what: is served.
        model: the version that was served first: this process runs its pipeline.
    """

    what: ModelSettings
    model: PackagedModel

    def newest(self) -> str:
        return newest(str(self.what.model))

    def load(self, release: str) -> PackagedModel:
        found = load_served(replace(self.what, model=release), self.model)
        assert isinstance(found, PackagedModel)  # noqa: S101  as it was given a model
        return replace(found, registry=self, beside=self.model.beside)

    def try_out(self, release: str) -> None:
        what = pickle.dumps(replace(self.what, model=release))
        ran = subprocess.run(TRY_OUT, input=what, capture_output=True, check=False)  # noqa: S603  a command of our own
        if ran.returncode:
            told = ran.stderr.decode(errors="replace").strip()
            raise ModelRefused(f"in a fresh process: {told.partition(NAME)[2] or told or ran.returncode}")


def load_released(what: ModelSettings, shadow: str | None) -> PackagedModel | FeaturesOnly:
    """Load what is served, its shadow beside it, and the versions that may follow; see `load_served`."""
    model = load_served(what)
    if not isinstance(model, PackagedModel):
        if shadow:
            raise ConfigurationError("--shadow stands beside a model, and --features alone deploys none")
        return model
    if shadow:
        model = with_shadow(model, what, shadow)
    return replace(model, registry=Releases(replace(what, split=None), model))


def main() -> None:
    """Load and check a version in this process, and end."""
    exit_with(lambda: load_served(pickle.load(sys.stdin.buffer)) and None, NAME)  # noqa: S301  as `try_out` wrote it
