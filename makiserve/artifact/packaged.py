"""A model with its pipeline, as services and replays use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from makiserve.artifact.predictor import MlflowPredictor
from makiserve.artifact.reference.reference import Reference
from makiserve.artifact.source.collect import collect
from makiserve.artifact.source.sources import Sources
from makiserve.records import Record
from makiserve.scoring import ALONE, ModelGroup, Outputs, Registry, Scorer
from makiserve.scoring.drift import Profile
from makiserve.scoring.entry_point import find_pipeline
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Transform


@dataclass(frozen=True, eq=False)
class PackagedModel:
    """A model with its pipeline, ready to score.

    Attributes:
        uri: that it was loaded from.
        name: in the registry; None where the URI is not one of a registered model.
        version: likewise; an alias is resolved.
        run_id: of the run that logged it; None where there was none.
        model_id: of the logged model; None where its files do not tell.
        digest: of the pipeline's sources; empty where the records are the features.
        features: the pipeline's factory; None where the records are the features.
        record: the record type.
        plan: the traced pipeline.
        post: the traced post pipeline; None without one.
        predictor: the model; None for a pipeline that was logged by itself.
        reference: the records and outputs that `check_reference` compares; none where no pipeline was packaged.
        profile: the statistics of the training's features and predictions; None where no pipeline was packaged.
        emitted: the names of the features; empty where only running the pipeline would show them.
        sources: of the packaged pipeline; None without one.
        requirements: of the package, a line each.
        differences: how this environment differs from the one that it was packaged in, a line each.
        directory: a copy of its files, there as long as the predictor is.
        pipeline: the name that the pipeline was given by when the model was loaded; None where it was packaged.
        emit: what an output holds; empty for the prediction (without a model, the features).
        registry: where its other versions are; None where nobody looks.
        beside: what scores beside it.
    """

    uri: str
    name: str | None
    version: str | None
    run_id: str | None
    model_id: str | None
    digest: str
    features: Callable[[], Transform] | None
    record: type[Record]
    plan: Plan = field(repr=False)
    post: Plan | None = field(repr=False)
    predictor: MlflowPredictor | None = field(repr=False)
    reference: Reference = field(repr=False)
    profile: Profile | None = field(repr=False)
    emitted: tuple[str, ...] = field(repr=False)
    sources: Sources | None = field(repr=False)
    requirements: tuple[str, ...] = field(repr=False)
    differences: tuple[str, ...]
    directory: Path
    pipeline: str | None = None
    emit: tuple[str, ...] = ()
    registry: Registry | None = field(default=None, repr=False)
    beside: ModelGroup = field(default=ALONE, repr=False)

    def has_pipeline_of(self, other: PackagedModel) -> bool:
        """Whether what comes before and behind the model is the same: a lane may go from one to the other."""
        return (
            self.digest == other.digest
            and self.features is other.features
            and self.scorer().fingerprint == other.scorer().fingerprint
            and msgspec.json.schema(self.record) == msgspec.json.schema(other.record)
        )

    @property
    def sample(self) -> tuple[Record, ...]:
        """The reference records."""
        return self.reference.records

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        """A scorer of this model, with lanes of its own."""
        return Scorer(self.plan, self.predictor, self.post, self.beside.rivals, is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """The form of the outputs of this model.

        Args:
            emit: what an output holds; see `Outputs`. Empty for the model's own.

        Raises:
            ConfigurationError: `emit` asks for what is not there.
        """
        has_model, has_post = self.predictor is not None, self.post is not None
        return Outputs(self.record, self.emitted, emit=emit or self.emit, has_model=has_model, has_post=has_post)


@dataclass(frozen=True, eq=False)
class FeaturesOnly:
    """A pipeline where a `PackagedModel` may stand.

    Attributes:
        uri: the name that it was found by, such as `house.features:features`.
        digest: of its sources, the same as in a model that it is packaged with.
        features: its factory.
        record: the record type.
        plan: the traced pipeline.
        emit: what an output holds; empty for the features.
    """

    uri: str
    digest: str
    features: Callable[[], Transform]
    record: type[Record]
    plan: Plan = field(repr=False)
    name: None = None
    version: None = None
    predictor: None = None
    profile: None = None
    registry: None = None
    beside: ModelGroup = ALONE
    sample: tuple[Record, ...] = ()
    emit: tuple[str, ...] = ()

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        """A scorer of this pipeline, with lanes of its own."""
        return Scorer(self.plan, is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """The form of the outputs: the features as they are, unless `emit` names parts of them and of the record.

        Raises:
            ConfigurationError: `emit` asks for what is not there; see `Outputs`.
        """
        return Outputs(self.record, (), emit=emit or self.emit, has_model=False, has_post=False)


def features_only(name: str) -> FeaturesOnly:
    """The pipeline of a name, ready to score; see `find_pipeline` for the names.

    Raises:
        ConfigurationError: it cannot be found, imported or traced, or not one record type stands beside it.
    """
    found = find_pipeline(name)
    return FeaturesOnly(
        uri=name,
        digest=collect(found.features, found.record).sources.digest,
        features=found.features,
        record=found.record,
        plan=found.plan(),
    )
