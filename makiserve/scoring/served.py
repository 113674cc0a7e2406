"""The interfaces of a packaged model, or of a pipeline alone, for services and replays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol, get_args

from makiserve.records import Record
from makiserve.scoring.drift import Profile
from makiserve.scoring.output import Outputs
from makiserve.scoring.predictor import Companions, Predictor
from makiserve.scoring.scorer import Scorer

Role = Literal["champion", "challenger", "shadow"]
"""The role of a model version: it scores the records, a share of them, or all of them for a separate topic."""

ROLES: tuple[Role, ...] = get_args(Role)


class Registry(Protocol):
    """The registry of a model's versions."""

    def newest(self, role: Role) -> str | None:
        """Return the version that should have a role now, as a URI of exactly that version: `models:/house/3`.

        Returns:
            The URI; None if the role is vacant, or if its URI is not an alias and so cannot change.

        Raises:
            ConfigurationError: the version does not exist, or the registry does not answer.
        """

    def load(self, model_version: str, role: Role = "champion", served: Served | None = None) -> Served:
        """Load a version, check that it may serve here, and give it a role.

        Args:
            model_version: the version's URI, as returned by `newest`.
            role: the role that the version gets.
            served: the current models, which keep the other roles; None for those that were served first.

        Raises:
            PipelineChanged: the version's pipeline is not the one that this process runs.
            ModelRefused: the version must not serve.
            ConfigurationError: the version does not exist, or the registry does not answer.
        """

    def try_out(self, model_version: str, check: Callable[[Served], None]) -> None:
        """Load and check a version as the champion, together with its challenger and shadow, in a separate process.

        Args:
            model_version: the version's URI, as returned by `newest`.
            check: called there with the loaded model; it is pickled.

        Raises:
            ModelRefused: the version must not serve.
        """


class ModelGroup(NamedTuple):
    """The challenger, its share of the keys, and the shadow; see `Companions`."""

    challenger: Served | None = None
    share: float = 0.0
    shadow: Served | None = None

    def at(self, role: Role) -> Served | None:
        """Return the model with a role other than champion."""
        return self.challenger if role == "challenger" else self.shadow

    def with_model(self, role: Role, model: Served) -> ModelGroup:
        """Return a copy in which another model has a role other than champion."""
        return self._replace(challenger=model) if role == "challenger" else self._replace(shadow=model)

    @property
    def predictors(self) -> Companions:
        """The predictors of these models, and the share."""
        challenger, shadow = (model.predictor if model else None for model in (self.challenger, self.shadow))
        return Companions(challenger, self.share, shadow)


ALONE = ModelGroup()


class Served(Protocol):
    """A pipeline, usually with a model that takes its features."""

    @property
    def uri(self) -> str:
        """The URI that it was loaded from."""

    @property
    def name(self) -> str | None:
        """The name in the registry; None if it is not registered."""

    @property
    def version(self) -> str | None:
        """The version in the registry; None if it is not registered."""

    @property
    def digest(self) -> str:
        """The digest of the pipeline's sources."""

    @property
    def profile(self) -> Profile | None:
        """The statistics of the training's features and predictions; None if none were packaged."""

    @property
    def record(self) -> type[Record]:
        """The type of the records."""

    @property
    def predictor(self) -> Predictor | None:
        """The model; None for a pipeline alone."""

    @property
    def registry(self) -> Registry | None:
        """The registry of its other versions; None if there is none."""

    @property
    def companions(self) -> ModelGroup:
        """The models that score alongside it."""

    @property
    def sample(self) -> Sequence[Record]:
        """Sample records for a trial run; empty if none were packaged."""

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        """Return a new scorer, with its own lanes."""

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """Return the form of the outputs.

        Raises:
            ConfigurationError: `emit` names a part or field that does not exist; see `Outputs`.
        """
