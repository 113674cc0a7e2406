"""The scorers of a service: one for the served version, and one for each version whose records are scored again."""

from __future__ import annotations

from makiserve.errors import MakiserveError, RegistryUnavailable, RetryCall, StateError
from makiserve.scoring import Role, Scorer, Served


def model_version_of(model: Served) -> str:
    """Return a permanent name of a model version: an alias can move, a version cannot."""
    return f"models:/{model.name}/{model.version}" if model.name and model.version else model.uri


def model_version_in(role: Role, model: Served) -> str | None:
    """Return the served version that has a role; None if no version has it."""
    served = model if role == "champion" else model.companions.at(role)
    return model_version_of(served) if served else None


class Scorers:
    """One scorer for each version. All share the programs of the first and can therefore share its lanes.

    Args:
        model: the first model to serve.

    Attributes:
        model: the served model.
        model_version: its version.
        now: its scorer.
    """

    def __init__(self, model: Served) -> None:
        self.model, self.model_version = model, model_version_of(model)
        self.now = model.scorer(is_tracked=True)
        self._known = {self.model_version: self.now}

    def switch(self, model: Served) -> None:
        """Switch to other versions of the same pipeline. Keep the old one: its last records may be scored again."""
        before = self.model_version
        self.model, self.model_version = model, model_version_of(model)
        self.now = self.now.with_models(model.predictor, model.companions.predictors)
        self._known = {before: self._known[before], self.model_version: self.now}

    def for_version(self, model_version: str) -> Scorer | None:
        """Return the scorer for records of a version; None if any scorer will do, as no state depends on the model.

        Args:
            model_version: the version; empty for the served one.

        Raises:
            StateError: the version can no longer be loaded.
            RetryCall: the registry does not respond.
        """
        if not self.now.remembers_predictions:
            return None
        known = self._known.get(model_version or self.model_version)
        if known is None:
            predictor, companions = self._loaded(model_version).predictor, self.model.companions.predictors
            known = self._known[model_version] = self.now.with_models(predictor, companions)
        return known

    def _loaded(self, model_version: str) -> Served:
        reason: object = "this process has no registry"
        if self.model.registry:
            try:
                return self.model.registry.load(model_version)
            except RegistryUnavailable as error:
                raise RetryCall(f"{model_version} scored these records and must score them again: {error}") from error
            except MakiserveError as error:
                reason = error
        raise StateError(f"its state contains predictions of {model_version}, which cannot be loaded: {reason}")
