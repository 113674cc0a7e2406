"""The versions of the model that is served: found by its alias, and checked as it was before they serve."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import dataclass, replace

from makiserve.cli.alias import is_alias
from makiserve.cli.beside import split, with_shadow
from makiserve.cli.exit import exit_with
from makiserve.cli.served import load_served
from makiserve.errors import ConfigurationError, ModelRefused
from makiserve.packaging import FeaturesOnly, PackagedModel, newest
from makiserve.scoring import Place, Served
from makiserve.settings import ModelSettings

NAME = "makiserve try-out"
TRY_OUT = [sys.executable, "-c", "from makiserve.cli.releases import main; main()"]


@dataclass(frozen=True)
class Releases:
    """The versions of one model, and of those that stand beside it.

    Attributes:
        what: is served.
        shadow: the URI of what stands beside it.
        model: the versions that were served first: this process runs their pipeline.
    """

    what: ModelSettings
    shadow: str | None
    model: PackagedModel

    def newest(self, place: Place) -> str | None:
        uri = self._uri(place)
        return newest(uri) if uri and is_alias(uri) else None

    def load(self, release: str, place: Place = "champion", served: Served | None = None) -> PackagedModel:
        found = load_served(replace(self.what, model=release, split=None), self.model)
        now = served or self.model
        assert isinstance(found, PackagedModel)  # noqa: S101  as it was given a model
        assert isinstance(now, PackagedModel)  # noqa: S101  as this registry is that of a model
        if place == "champion":
            return replace(found, registry=self, beside=now.beside)
        return replace(now, beside=now.beside.with_model(place, found))

    def try_out(self, release: str) -> None:
        what = pickle.dumps((replace(self.what, model=release), self.shadow))
        ran = subprocess.run(TRY_OUT, input=what, capture_output=True, check=False)  # noqa: S603  a command of our own
        if ran.returncode:
            told = ran.stderr.decode(errors="replace").strip()
            raise ModelRefused(f"in a fresh process: {told.partition(NAME)[2] or told or ran.returncode}")

    def _uri(self, place: Place) -> str | None:
        if place == "shadow":
            return self.shadow
        if place == "champion":
            return self.what.model
        return self.what.split and split(self.what.split, self.model.uri)[0]


def load_released(what: ModelSettings, shadow: str | None) -> PackagedModel | FeaturesOnly:
    """Load what is served, its shadow beside it, and the versions that may follow; see `load_served`."""
    model = load_served(what)
    if not isinstance(model, PackagedModel):
        if shadow:
            raise ConfigurationError("--shadow stands beside a model, and --features alone deploys none")
        return model
    if shadow:
        model = with_shadow(model, what, shadow)
    return replace(model, registry=Releases(what, shadow, model))


def main() -> None:
    """Load and check a version in this process, and those beside it, and end."""
    exit_with(lambda: load_released(*pickle.load(sys.stdin.buffer)) and None, NAME)  # noqa: S301  as `try_out` wrote it
