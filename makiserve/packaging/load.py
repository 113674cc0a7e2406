"""Loading a packaged model: the same pipeline and the same model that were logged, or a refusal."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import mlflow.pyfunc

from makiserve.errors import ModelRefused
from makiserve.packaging.environment import environment_differences
from makiserve.packaging.fetch import Fetched, fetch
from makiserve.packaging.flavor import Flavor, read_flavor
from makiserve.packaging.predictor import MlflowPredictor
from makiserve.packaging.reference.reference import Reference, read_reference
from makiserve.packaging.source.finder import importable
from makiserve.packaging.source.shadows import shadowed
from makiserve.packaging.source.sources import Sources, read_sources
from makiserve.schema import Record, Schema
from makiserve.scoring import Outputs, Scorer
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Transform, trace
from makiserve.version import __version__


@dataclass(frozen=True, eq=False)
class PackagedModel:
    """A model with its pipeline, ready to score.

    Attributes:
        uri: that it was loaded from.
        name: in the registry; None where the URI is not one of a registered model.
        version: likewise; an alias is resolved.
        run_id: of the run that logged it; None where there was none.
        model_id: of the logged model; None where its files do not tell.
        digest: of the pipeline's sources.
        features: the pipeline's factory.
        record: the record type.
        plan: the traced pipeline.
        post: the traced post pipeline; None without one.
        predictor: the model.
        reference: the records and outputs that `check_reference` compares.
        differences: how this environment differs from the one that it was packaged in, a line each.
        directory: a copy of its files, there as long as the predictor is.
    """

    uri: str
    name: str | None
    version: str | None
    run_id: str | None
    model_id: str | None
    digest: str
    features: Callable[[], Transform]
    record: type[Record]
    plan: Plan = field(repr=False)
    post: Plan | None = field(repr=False)
    predictor: MlflowPredictor = field(repr=False)
    reference: Reference = field(repr=False)
    differences: tuple[str, ...]
    directory: Path

    @property
    def sample(self) -> tuple[Record, ...]:
        """The reference records."""
        return self.reference.records

    def scorer(self, *, is_tracked: bool = False) -> Scorer:
        """A scorer of this model, with lanes of its own."""
        return Scorer(self.plan, self.predictor, self.post, is_tracked=is_tracked)

    def outputs(self, emit: Sequence[str] = ()) -> Outputs:
        """The form of the outputs of this model.

        Raises:
            ConfigurationError: `emit` asks for what is not there; see `Outputs`.
        """
        emitted = self.reference.outputs[0].features
        return Outputs(self.record, list(emitted), emit=emit, has_model=True, has_post=self.post is not None)


def load(uri: str | Path) -> PackagedModel:
    """Load a model that `log_model` has packaged.

    Its pipeline is imported under its own module names, so that a process can hold one version of a pipeline's code.
    Call `check_reference` before serving.

    Args:
        uri: runs:/…/model, models:/name/1, models:/name@alias, models:/m-…, mlflow-artifacts:/… or a path.

    Raises:
        ConfigurationError: nothing is there, or the tracking server does not answer.
        ModelRefused: it is not a packaged model, was edited, or cannot be loaded in this process or environment.
    """
    directory = Path(tempfile.mkdtemp(prefix="makiserve-"))
    try:
        model = _open(str(uri), fetch(str(uri), directory))
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    # Some models read their files at the first prediction: the copy lives as long as the predictor.
    weakref.finalize(model.predictor, shutil.rmtree, directory, ignore_errors=True)
    return model


def _open(uri: str, fetched: Fetched) -> PackagedModel:
    try:
        mlmodel, flavor = read_flavor(fetched.directory)
        sources = _verified_sources(fetched.directory, flavor)
        with importable(sources, fetched.directory / flavor.sources):
            return _assemble(uri, fetched, mlmodel, flavor)
    except ModelRefused as refused:
        raise ModelRefused(f"model {uri}: {refused}") from refused.__cause__


def _assemble(uri: str, fetched: Fetched, mlmodel: Any, flavor: Flavor) -> PackagedModel:
    directory = fetched.directory
    differences = environment_differences(directory / "requirements.txt", flavor.python_version)
    features, record, plan, post, predictor = _run(flavor, directory, differences)
    return PackagedModel(
        uri=uri,
        name=fetched.name,
        version=fetched.version,
        run_id=mlmodel.run_id,
        model_id=mlmodel.model_id,
        digest=flavor.digest,
        features=features,
        record=record,
        plan=plan,
        post=post,
        predictor=predictor,
        reference=read_reference(directory, flavor, Schema(record)),
        differences=differences,
        directory=directory,
    )


def _verified_sources(directory: Path, flavor: Flavor) -> Sources:
    sources = read_sources(directory / flavor.sources)
    if sources.digest != flavor.digest:
        raise ModelRefused(
            f"the pipeline's sources in the artifact were edited after it was logged (SHA-256 {sources.digest[:12]}…, "
            f"packaged {flavor.digest[:12]}…): log the model again"
        )
    if hidden := shadowed(sources):
        raise ModelRefused(f"{hidden}, which it would replace in this process: rename it and log the model again")
    return sources


def _run(
    flavor: Flavor, directory: Path, differences: tuple[str, ...]
) -> tuple[Callable[[], Transform], type[Record], Plan, Plan | None, MlflowPredictor]:
    """Everything that runs code of the artifact."""
    try:
        features, record = _named(flavor.entry_point), _named(flavor.record)
        plan = trace(features())
        post = trace(_named(flavor.post)()) if flavor.post else None
        # After the pipeline: a model's own classes may be in the pipeline's modules.
        pyfunc = mlflow.pyfunc.load_model(str(directory), suppress_warnings=True)
        predictor = MlflowPredictor(pyfunc, tuple(flavor.inputs), params=flavor.params)
    except ModelRefused:
        raise
    except Exception as error:
        hint = "".join(f"\n  environment: {difference}" for difference in differences)
        raise ModelRefused(f"it cannot be loaded here: {type(error).__name__}: {error}{hint}") from error
    _refuse_another(plan, flavor.plan, flavor.entry_point, flavor)
    if post:
        _refuse_another(post, flavor.post_plan, flavor.post, flavor)
    return features, record, plan, post, predictor


def _refuse_another(plan: Plan, packaged: str | None, entry_point: str | None, flavor: Flavor) -> None:
    if plan.fingerprint != packaged and flavor.makiserve_version == __version__:
        raise ModelRefused(
            f"{entry_point}() builds another pipeline here than it did when it was packaged, from the same "
            "source: it depends on something outside of it, such as an environment variable"
        )


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return reduce(getattr, name.split("."), import_module(module))
