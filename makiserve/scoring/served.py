"""What a service and a replay ask of what they score with: a packaged model, or a pipeline alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, get_args

from makiserve.records import Record
from makiserve.scoring.drift import Profile
from makiserve.scoring.output import Outputs
from makiserve.scoring.predictor import Companions, Predictor
from makiserve.scoring.scorer import Scorer

Role = Literal["champion", "challenger", "shadow"]
"""What a version is there for: to score the records, a share of them, or all of them for a topic of its own."""

ROLES: tuple[Role, ...] = get_args(Role)


class Registry(Protocol):
    """Where the versions of a model are."""

    def newest(self, place: Role) -> str | None:
        """The version that is to have a place now, as a URI that never means another: `models:/house/3`.

        None where nobody has the place, or what has it never changes.

        Raises:
            ConfigurationError: there is none, or the registry does not answer.
        """

    def load(self, release: str, place: Role = "champion", served: Served | None = None) -> Served:
        """Load a version, check that it may serve here, and give it a place.

        Args:
            release: as `newest` names it.
            place: it gets.
            served: keeps the other places; None for what was served first.

        Raises:
            PipelineChanged: it has another pipeline than this process runs.
            ModelRefused: it must not serve.
            ConfigurationError: it is not there, or the registry does not answer.
        """

    def try_out(self, release: str) -> None:
        """Load and check a version as the champion, and those that then stand beside it, in a process of its own.

        Raises:
            ModelRefused: it must not serve.
        """


class ModelGroup(NamedTuple):
    """The models beside the one that is served; see `Companions`."""

    challenger: Served | None = None
    share: float = 0.0
    shadow: Served | None = None

    def at(self, place: Role) -> Served | None:
        """The model of a place other than the champion's."""
        return self.challenger if place == "challenger" else self.shadow

    def with_model(self, place: Role, model: Served) -> ModelGroup:
        """The same with another model at such a place."""
        return self._replace(challenger=model) if place == "challenger" else self._replace(shadow=model)

    @property
    def rivals(self) -> Companions:
        """The models themselves."""
        challenger, shadow = (each.predictor if each else None for each in (self.challenger, self.shadow))
        return Companions(challenger, self.share, shadow)


ALONE = ModelGroup()


class Served(Protocol):
    """A pipeline, and mostly a model that takes its features."""

    @property
    def uri(self) -> str:
        """Where it was loaded from."""

    @property
    def name(self) -> str | None:
        """In the registry; None where it is not registered."""

    @property
    def version(self) -> str | None:
        """Likewise."""

    @property
    def digest(self) -> str:
        """Of the pipeline's sources."""

    @property
    def profile(self) -> Profile | None:
        """The statistics of the training's features and predictions; None where there are none."""

    @property
    def record(self) -> type[Record]:
        """The type of the records."""

    @property
    def predictor(self) -> Predictor | None:
        """The model; None for a pipeline alone."""

    @property
    def registry(self) -> Registry | None:
        """Where its other versions are; None where there are none."""

    @property
    def beside(self) -> ModelGroup:
        """What scores beside it."""

    @property
    def sample(self) -> Sequence[Record]:
        """Records to try it on; none where none were packaged."""

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        """A scorer, with lanes of its own."""

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """The form of the outputs.

        Raises:
            ConfigurationError: `emit` asks for what is not there; see `Outputs`.
        """
