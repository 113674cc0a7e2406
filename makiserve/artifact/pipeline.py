"""A pipeline that is ready to be packaged, from the user's code or from a registered pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from makiserve.artifact.environment import requirements
from makiserve.artifact.flavor import PipelineLink
from makiserve.artifact.loader import load
from makiserve.artifact.reference.reference import Sample, take_sample
from makiserve.artifact.signature import emitted_fields
from makiserve.artifact.source.collect import CollectedSources, collect
from makiserve.artifact.source.sources import Sources
from makiserve.errors import ConfigurationError
from makiserve.records import Record, Schema
from makiserve.records.arrow import ArrowStream
from makiserve.records.emitted_fields import field_titles, field_values
from makiserve.records.order import Order
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Transform, check_factory, trace_factory

Features = Callable[[], Transform]
Given = str | Path | ArrowStream | Iterable[Record] | Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Pipeline:
    """The part of a package that does not depend on the model.

    Attributes:
        collected: the collected source files.
        plan: the traced pipeline.
        post: the traced post pipeline; None without one.
        schema: the schema of the records.
        sample: the reference records.
        requirements: the packages that must be installed, one per line.
        link: the registered pipeline that this is a copy of; None if it comes from the user's code.
    """

    collected: CollectedSources
    plan: Plan
    post: Plan | None
    schema: Schema
    sample: Sample
    requirements: list[str]
    link: PipelineLink | None = None

    def columns(self, training: Mapping[str, Any] | None) -> dict[str, list[Any]]:
        """Return the features to profile, by attribute, from a training frame or else from the reference."""
        if training is not None:
            sources = {name: title if title in training else name for name, title in self.titles.items()}
            return {name: _values(training[source]) for name, source in sources.items() if source in training}
        names = self.emitted
        rows = zip(*(field_values(item, names) for item in self.sample.profiled), strict=True)
        return dict(zip(names, map(list, rows), strict=True))

    @property
    def emitted(self) -> tuple[str, ...]:
        """The names of the features."""
        return emitted_fields(type(self.sample.features[0]))

    @property
    def titles(self) -> dict[str, str]:
        """The model's names for the features, by attribute."""
        return field_titles(type(self.sample.features[0]))


def _values(column: Any) -> list[Any]:
    """Return the values of a column or a list, with None for each value that pandas treats as missing."""
    series = pd.Series(column).astype(object)
    values: list[Any] = series.where(series.notna(), None).tolist()
    return values


def find_pipeline_to_package(
    features: Features | str,
    record: type[Record] | None,
    reference: Given | None,
    post: Features | None,
    na_values: Iterable[str] | None = None,
    order: Order | None = None,
) -> Pipeline:
    """Return the pipeline of a factory or of a URI. A registered pipeline includes its record type and reference.

    Raises:
        ConfigurationError: an argument is missing, or a service could not run it; the message contains what to change.
        ModelRefused: the registered pipeline cannot be loaded.
    """
    if isinstance(features, str):
        return _registered(features, record, reference, post, na_values, order)
    if record is None or reference is None:
        raise ConfigurationError("a pipeline from code needs record= (its record type) and reference= (sample records)")
    check_factory(features, "features")
    if post is not None:
        check_factory(post, "post")
    collected = collect(features, record, post)
    schema = Schema(record, na_values)
    return _pipeline(collected, features, schema, reference, post, requirements(collected.imports), order)


def _registered(
    uri: str,
    record: type[Record] | None,
    reference: Given | None,
    post: Features | None,
    na_values: Iterable[str] | None,
    order: Order | None,
) -> Pipeline:
    registered = load(uri)
    if registered.features is None or registered.sources is None:
        raise ConfigurationError(
            f"features={uri!r}: this model has no pipeline: give the URI of one that log_features has logged"
        )
    if record not in (None, registered.record):
        raise ConfigurationError(
            f"{uri} already has the record type {registered.record.__qualname__}: do not pass record="
        )
    definitions = registered.features, registered.record
    entry_point, record_name = (f"{definition.__module__}:{definition.__qualname__}" for definition in definitions)
    sources, needed = registered.sources, list(registered.requirements)
    added = collect(post, registered.record) if post else None
    if added:
        sources = _together(sources, added.sources, uri)
        needed += [line for line in requirements(added.imports) if line not in needed]
    collected = CollectedSources(entry_point, record_name, added.entry_point if added else None, sources, frozenset())
    given = registered.reference.records if reference is None else reference
    link = PipelineLink(uri, registered.name, registered.version, registered.digest)
    return _pipeline(
        collected, registered.features, Schema(registered.record, na_values), given, post, needed, order, link
    )


def _pipeline(
    collected: CollectedSources,
    features: Features,
    schema: Schema,
    reference: Given,
    post: Features | None,
    needed: list[str],
    order: Order | None,
    link: PipelineLink | None = None,
) -> Pipeline:
    plan = trace_factory(features)
    sample = take_sample(plan, schema, reference, order)
    return Pipeline(collected, plan, trace_factory(post, "post") if post else None, schema, sample, needed, link)


def _together(ours: Sources, others: Sources, uri: str) -> Sources:
    if differing := [path for path, content in others.files.items() if ours.files.get(path, content) != content]:
        raise ConfigurationError(
            f"{', '.join(differing)} of the post pipeline differs from the file of that name in {uri}: rename it"
        )
    return Sources(others.files | ours.files)
