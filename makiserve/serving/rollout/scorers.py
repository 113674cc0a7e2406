"""The scorers of a service: of the version that is served, and of those whose records must be scored again."""

from __future__ import annotations

from makiserve.errors import MakiserveError, RegistryUnavailable, RetryCall, StateError
from makiserve.scoring import Role, Scorer, Served


def model_version_of(model: Served) -> str:
    """Names a version of a model for good: an alias moves on, a version does not."""
    return f"models:/{model.name}/{model.version}" if model.name and model.version else model.uri


def model_version_in(place: Role, model: Served) -> str | None:
    """The version that has a place, of what is served; None where nobody has it."""
    found = model if place == "champion" else model.beside.at(place)
    return model_version_of(found) if found else None


class Scorers:
    """One scorer for each version. All share the programs of the first, so that its lanes are theirs.

    Args:
        model: what is served at first.

    Attributes:
        model: what is served; likewise `release`, its version.
        now: its scorer.
    """

    def __init__(self, model: Served) -> None:
        self.model, self.release = model, model_version_of(model)
        self.now = model.scorer(is_tracked=True)
        self._known = {self.release: self.now}

    def switch(self, model: Served) -> None:
        """Serve other versions, of the same pipeline. The champion is kept: its last records may come again."""
        before = self.release
        self.model, self.release = model, model_version_of(model)
        self.now = self.now.with_models(model.predictor, model.beside.rivals)
        self._known = {before: self._known[before], self.release: self.now}

    def of(self, release: str) -> Scorer | None:
        """What scores the records of a version again; None where any will do, as no state depends on the model.

        Args:
            release: empty for the one that is served.

        Raises:
            StateError: the version cannot be had any more.
            RetryCall: the registry does not answer.
        """
        if not self.now.remembers_predictions:
            return None
        known = self._known.get(release or self.release)
        if known is None:
            predictor, rivals = self._loaded(release).predictor, self.model.beside.rivals
            known = self._known[release] = self.now.with_models(predictor, rivals)
        return known

    def _loaded(self, release: str) -> Served:
        reason: object = "this process knows no registry"
        if self.model.registry:
            try:
                return self.model.registry.load(release)
            except RegistryUnavailable as error:
                raise RetryCall(f"{release} scored these records and must score them again: {error}") from error
            except MakiserveError as error:
                reason = error
        raise StateError(f"its state comes of the predictions of {release}, which cannot be loaded: {reason}")
