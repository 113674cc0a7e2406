"""A pipeline that is deployed without a model: what it emits is the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from makiserve.packaging.source.collect import collect
from makiserve.schema import Record
from makiserve.scoring import ALONE, Beside, Outputs, Scorer
from makiserve.scoring.entry_point import find_pipeline
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Transform


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
    beside: Beside = ALONE
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
