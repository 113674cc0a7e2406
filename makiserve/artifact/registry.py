"""The versions of the served model in MLflow's registry, found by alias and checked before they serve."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from makiserve.artifact.fetch import newest
from makiserve.artifact.packaged import FeaturesOnly, PackagedModel
from makiserve.artifact.roles import challenger_and_share, load_served, with_shadow
from makiserve.errors import ConfigurationError, MakiserveError, ModelRefused
from makiserve.scoring import Role, Served
from makiserve.settings import ModelSettings, is_alias

ERROR = "makiserve try-out: "
"""The prefix of the error that a try-out process writes last; the output of libraries precedes it."""

TRY_OUT = [sys.executable, "-c", "from makiserve.artifact.registry import main; main()"]


@dataclass(frozen=True)
class ModelRegistry:
    """The registry of the champion's, the challenger's and the shadow's versions.

    Attributes:
        what: the settings of the champion and the challenger.
        shadow: the URI of the shadow; None without one.
        model: the model that was served first. This process runs its pipeline.
    """

    what: ModelSettings
    shadow: str | None
    model: PackagedModel

    def newest(self, role: Role) -> str | None:
        uri = self._uri(role)
        return newest(uri) if uri and is_alias(uri) else None

    def load(self, model_version: str, role: Role = "champion", served: Served | None = None) -> PackagedModel:
        loaded = load_served(replace(self.what, model=model_version, split=None), self.model)
        now = served or self.model
        assert isinstance(loaded, PackagedModel)  # noqa: S101  it was given a model
        assert isinstance(now, PackagedModel)  # noqa: S101  only a model has a registry
        if role == "champion":
            return replace(loaded, registry=self, companions=now.companions)
        return replace(now, companions=now.companions.with_model(role, loaded))

    def try_out(self, model_version: str, check: Callable[[Served], None]) -> None:
        what = pickle.dumps((replace(self.what, model=model_version), self.shadow, check))
        ran = subprocess.run(TRY_OUT, input=what, capture_output=True, check=False)  # noqa: S603  our own command
        if ran.returncode:
            written = ran.stderr.decode(errors="replace").strip()
            raise ModelRefused(f"in a new process: {written.partition(ERROR)[2] or written or ran.returncode}")

    def _uri(self, role: Role) -> str | None:
        if role == "shadow":
            return self.shadow
        if role == "champion":
            return self.what.model
        return self.what.split and challenger_and_share(self.what.split, self.model.uri)[0]


def load_versioned(what: ModelSettings, shadow: str | None) -> PackagedModel | FeaturesOnly:
    """Load the served model or pipeline with its shadow and the registry of later versions; see `load_served`."""
    model = load_served(what)
    if not isinstance(model, PackagedModel):
        if shadow:
            raise ConfigurationError(
                "--shadow needs a model to compare with, but --features alone serves none. Give --model as well"
            )
        return model
    if shadow:
        model = with_shadow(model, what, shadow)
    return replace(model, registry=ModelRegistry(what, shadow, model))


def main() -> None:
    """Load and check the version that stdin names, and exit with the exit code of the error if that fails."""
    try:
        what, shadow, check = pickle.load(sys.stdin.buffer)  # noqa: S301  written by `try_out`
        check(load_versioned(what, shadow))
    except MakiserveError as error:
        sys.stderr.write(f"{ERROR}{error}\n")
        sys.exit(error.exit_code)
