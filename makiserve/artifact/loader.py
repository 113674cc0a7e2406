"""Load a packaged model: exactly the pipeline and the model that were logged, or an error."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import msgspec

from makiserve.artifact.environment import environment_differences
from makiserve.artifact.fetch import Fetched, ModelFolder, fetch
from makiserve.artifact.flavor import Flavor, read_flavor
from makiserve.artifact.mlflow_predictor import MlflowPredictor
from makiserve.artifact.packaged import PackagedModel
from makiserve.artifact.reference.reference import read_reference
from makiserve.artifact.source.finder import importable, named, shadowed
from makiserve.artifact.source.sources import Sources, read_sources
from makiserve.artifact.unpackaged import open_unpackaged
from makiserve.errors import ModelRefused, PipelineChanged
from makiserve.records import Record, Schema
from makiserve.scoring.drift import Profile
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.trace import Transform, trace_factory
from makiserve.version import __version__


def load(uri: str | Path, *, features: str | None = None, like: PackagedModel | None = None) -> PackagedModel:
    """Load a model that `log_model` has packaged, or any MLflow model whose signature has names.

    A packaged pipeline is imported under its own module names, so a process can hold only one version of its code. Call
    `check_reference` before serving.

    Args:
        uri: runs:/…/model, models:/name/1, models:/name@alias, models:/m-…, mlflow-artifacts:/… or a path.
        features: the pipeline for a model that was not packaged with one: `module:function` or `file.py:function`. None
            if its records are the features.
        like: a model in this process whose pipeline the new one must have; None for any pipeline.

    Raises:
        PipelineChanged: the model's pipeline differs from that of `like`. No code that is new to this process was run.
        ConfigurationError: the model does not exist, or the tracking server does not answer.
        ModelRefused: it is not a model that can be served, it was edited, or it cannot be loaded in this process or
            environment.
    """
    folder = ModelFolder()
    try:
        model = _require_same_pipeline(_open(str(uri), fetch(str(uri), folder.path), features, like), like)
    except BaseException:
        folder.remove()
        raise
    # Some models read their files at the first prediction, so the copy lives as long as the predictor.
    weakref.finalize(model.predictor or model.plan, folder.remove)
    return model


def _open(uri: str, fetched: Fetched, features: str | None, like: PackagedModel | None) -> PackagedModel:
    try:
        mlmodel, flavor = read_flavor(fetched.directory)
        if flavor is None:
            return open_unpackaged(uri, fetched, mlmodel, features)
        _refuse_second_pipeline(features, flavor)
        if like and flavor.digest != like.digest:
            raise PipelineChanged(
                f"{uri} has a different pipeline (digest {flavor.digest[:12]}…) from {like.uri} ({like.digest[:12]}…)"
            )
        sources = _verified_sources(fetched.directory, flavor)
        with importable(sources, fetched.directory / flavor.sources):
            return _assemble(uri, fetched, mlmodel, flavor)
    except ModelRefused as refused:
        raise ModelRefused(f"model {uri}: {refused}") from refused.__cause__


def _require_same_pipeline(model: PackagedModel, like: PackagedModel | None) -> PackagedModel:
    if like and not model.has_pipeline_of(like):
        raise PipelineChanged(
            f"{model.uri} and {like.uri} have different pipelines, although their sources are the same: "
            f"{_difference(model, like)}"
        )
    return model


def _difference(model: PackagedModel, like: PackagedModel) -> str:
    """Return what differs between two pipelines of the same sources, and what to do."""
    if (model.post is None) != (like.post is None):
        return f"only {(model if model.post else like).uri} has a post pipeline. Log both with the same post="
    if model.post and like.post and model.post.fingerprint != like.post.fingerprint:
        return "their post pipelines differ. Log both with the same post="
    return "their pipeline functions or record types differ. Log both with the same features= and record="


def _refuse_second_pipeline(features: str | None, flavor: Flavor) -> None:
    if features:
        raise ModelRefused(
            f"it was packaged with a pipeline, {flavor.entry_point}: do not pass features, or replace the "
            "pipeline with makiserve attach"
        )


def _assemble(uri: str, fetched: Fetched, mlmodel: Any, flavor: Flavor) -> PackagedModel:
    directory = fetched.directory
    differences = environment_differences(directory / "requirements.txt", flavor.python_version)
    features, record, plan, post, predictor = _run(flavor, directory, differences)
    reference = read_reference(directory, flavor, Schema(record))
    requirements = (directory / "requirements.txt").read_text(encoding="utf-8").splitlines()
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
        reference=reference,
        profile=_profile(directory / flavor.profile),
        emitted=tuple(reference.outputs[0].features),
        sources=read_sources(directory / flavor.sources),
        requirements=tuple(requirements),
        differences=differences,
        directory=directory,
    )


def _profile(file: Path) -> Profile:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Profile)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelRefused(
            f"its training statistics cannot be read: {error}. {file.name} is damaged or was written by "
            "another version of makiserve: log the model again"
        ) from error


def _verified_sources(directory: Path, flavor: Flavor) -> Sources:
    sources = read_sources(directory / flavor.sources)
    if sources.digest != flavor.digest:
        raise ModelRefused(
            "the pipeline's sources in the artifact were edited after it was logged (SHA-256 "
            f"{sources.digest[:12]}…, packaged {flavor.digest[:12]}…): log the model again"
        )
    if hidden := shadowed(sources):
        raise ModelRefused(
            f"{hidden}, which it would replace in this process: rename the module and log the model again"
        )
    return sources


def _run(
    flavor: Flavor, directory: Path, differences: tuple[str, ...]
) -> tuple[Callable[[], Transform], type[Record], Plan, Plan | None, MlflowPredictor | None]:
    """Run the artifact's code: import and trace its pipelines, and load its model."""
    try:
        features, record = named(flavor.entry_point), named(flavor.record)
        plan = trace_factory(features)
        post = trace_factory(named(flavor.post), "post") if flavor.post else None
        # After the pipeline: a model's own classes may be in the pipeline's modules.
        predictor = _predictor(flavor, directory) if flavor.inputs else None
    except ModelRefused:
        raise
    except Exception as error:
        hint = "".join(f"\n  environment: {difference}" for difference in differences)
        raise ModelRefused(f"the model cannot be loaded here: {type(error).__name__}: {error}{hint}") from error
    _refuse_changed_pipeline(plan, flavor.plan, flavor.entry_point, flavor)
    if post:
        _refuse_changed_pipeline(post, flavor.post_plan, flavor.post, flavor)
    return features, record, plan, post, predictor


def _predictor(flavor: Flavor, directory: Path) -> MlflowPredictor:
    pyfunc = mlflow.pyfunc.load_model(str(directory), suppress_warnings=True)
    inputs, layout, categories = tuple(flavor.inputs), flavor.layout, flavor.categories
    return MlflowPredictor(pyfunc, inputs, params=flavor.params, layout=layout, categories=categories)


def _refuse_changed_pipeline(plan: Plan, packaged: str | None, entry_point: str | None, flavor: Flavor) -> None:
    if plan.fingerprint != packaged and flavor.makiserve_version == __version__:
        raise ModelRefused(
            f"{entry_point}() does not build the pipeline that was packaged, although its source is the same: it "
            "depends on something else, such as an environment variable"
        )
