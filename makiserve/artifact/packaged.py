"""A model with its pipeline, for services and replays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from makiserve.artifact.mlflow_predictor import MlflowPredictor
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
        uri: the URI that it was loaded from.
        name: the name in the registry; None if the URI is not that of a registered model.
        version: the version in the registry, with an alias resolved; None if the URI is not that of a registered model.
        run_id: the ID of the run that logged it; None if it was logged without a run.
        model_id: the ID of the logged model; None if its files do not contain one.
        digest: the digest of the pipeline's sources; empty if the records are the features.
        features: the pipeline's factory; None if the records are the features.
        record: the record type.
        plan: the traced pipeline.
        post: the traced post pipeline; None without one.
        predictor: the model; None for a pipeline that was logged without a model.
        reference: the records and outputs that `check_reference` compares; empty if no pipeline was packaged.
        profile: the statistics of the training's features and predictions; None if no pipeline was packaged.
        emitted: the names of the features; empty if they are unknown until the pipeline runs.
        sources: the sources of the packaged pipeline; None without one.
        requirements: the requirements of the package, one per line.
        differences: the differences between this environment and the one that it was packaged in, one per line.
        directory: a copy of its files, which exists as long as the predictor.
        pipeline: the name of the pipeline that was given when the model was loaded; None if none was given.
        emit: the parts of an output; empty for the prediction (without a model, the features).
        registry: the registry of its other versions; None if later versions are not followed.
        companions: the models that score alongside it.
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
    companions: ModelGroup = field(default=ALONE, repr=False)

    def has_pipeline_of(self, other: PackagedModel) -> bool:
        """Return whether both have the same feature and post pipelines, so that they can exchange lanes."""
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
        """Return a new scorer for this model, with its own lanes."""
        return Scorer(self.plan, self.predictor, self.post, self.companions.predictors, is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """Return the form of this model's outputs.

        Args:
            emit: the parts of an output; see `Outputs`. Empty for the model's own `emit`.

        Raises:
            ConfigurationError: `emit` names a part or field that does not exist.
        """
        has_model, has_post = self.predictor is not None, self.post is not None
        return Outputs(self.record, self.emitted, emit=emit or self.emit, has_model=has_model, has_post=has_post)


@dataclass(frozen=True, eq=False)
class FeaturesOnly:
    """A pipeline without a model, for use instead of a `PackagedModel`.

    Attributes:
        uri: the name that it was found by, such as `house.features:features`.
        digest: the digest of its sources, the same as in a model that it is packaged with.
        features: the pipeline's factory.
        record: the record type.
        plan: the traced pipeline.
        emit: the parts of an output; empty for the features.
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
    companions: ModelGroup = ALONE
    sample: tuple[Record, ...] = ()
    emit: tuple[str, ...] = ()

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        """Return a new scorer for this pipeline, with its own lanes."""
        return Scorer(self.plan, is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """Return the form of the outputs: the features unchanged, unless `emit` names parts of them or of the record.

        Raises:
            ConfigurationError: `emit` names a part or field that does not exist; see `Outputs`.
        """
        return Outputs(self.record, (), emit=emit or self.emit, has_model=False, has_post=False)


def outputs_noun(model: PackagedModel | FeaturesOnly) -> str:
    """Return what the outputs are called: predictions, or features without a model."""
    return "features" if model.predictor is None else "predictions"


def features_only(name: str) -> FeaturesOnly:
    """Find a pipeline by its name, ready to score; see `find_pipeline` for the names.

    Raises:
        ConfigurationError: it cannot be found, imported or traced, or its record type is not unique.
    """
    pipeline = find_pipeline(name)
    return FeaturesOnly(
        uri=name,
        digest=collect(pipeline.features, pipeline.record).sources.digest,
        features=pipeline.features,
        record=pipeline.record,
        plan=pipeline.plan(),
    )
