"""What `mlflow.models.Model.log` calls to write a model's files: MLflow's own flavor, then ours beside it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import Model, ModelSignature

from makiserve.errors import ConfigurationError
from makiserve.packaging.flavor import REFERENCE_POSTED, SOURCES, Flavor
from makiserve.packaging.native import save_native
from makiserve.packaging.predictor import MlflowPredictor
from makiserve.packaging.reference.reference import (
    Reference,
    outputs_from_scored,
    posted_from_scored,
    score_reference,
)
from makiserve.packaging.reference.sample import Sample
from makiserve.packaging.signature import input_schema, signature_from
from makiserve.packaging.source.collect import Collected
from makiserve.schema import Schema
from makiserve.scoring import Scorer
from makiserve.stream.engine.plan import Plan
from makiserve.version import __version__


@dataclass(frozen=True)
class Package:
    """A pipeline, ready to be saved with the model it feeds; MLflow takes it for a flavor's module.

    Attributes:
        collected: its source.
        plan: the traced pipeline.
        post: the traced post pipeline; None without one.
        schema: of its records.
        sample: the reference records.
        inputs: the features that the model takes, in its order.
        params: for the model's function, those that shall not have their default.
    """

    collected: Collected
    plan: Plan
    post: Plan | None
    schema: Schema
    sample: Sample
    inputs: tuple[str, ...]
    params: Mapping[str, Any]

    __name__ = "makiserve"

    def save_model(self, path: str, mlflow_model: Model, *, model: Any, **options: Any) -> None:
        """Write a model's directory.

        Args:
            path: a directory that does not exist.
            mlflow_model: its MLmodel, yet without flavors.
            model: the fitted model.
            options: from `native_options`.
        """
        directory = Path(path)
        save_native(model, directory, mlflow_model, options)
        predictor = self._predictor(directory, mlflow_model, options.get("signature"))
        self.collected.sources.write(directory / SOURCES)
        flavor = self._flavor(predictor)
        self._reference(predictor).write(directory, flavor, self.schema)
        flavor.add_to(mlflow_model)
        mlflow_model.save(str(directory / "MLmodel"))

    def _predictor(self, directory: Path, mlflow_model: Model, given: ModelSignature | None) -> MlflowPredictor:
        """The saved model, loaded as a service will load it. Its first outputs complete its signature.

        The signature is the one that the user gives, or that a `PythonModel` declares by its type hints. Otherwise it
        is made here, of the features: what MLflow infers from an example takes a whole number for an integer.
        """
        saved = mlflow.pyfunc.load_model(str(directory), suppress_warnings=True)
        has_hints = mlflow_model._is_signature_from_type_hint()  # noqa: SLF001  nothing public tells
        if has_hints or (given is not None and given.inputs is not None):
            return MlflowPredictor(saved, self.inputs, params=self.params)
        get = attrgetter(*self.inputs)
        rows = [get(item) if len(self.inputs) > 1 else (get(item),) for item in self.sample.features]
        schema = input_schema(type(self.sample.features[0]), self.inputs, rows)
        predictor = MlflowPredictor(saved, self.inputs, schema, self.params)
        try:
            output = predictor.output(rows)
        except Exception as error:
            raise ConfigurationError(
                f"the model cannot predict the features of its reference records: {type(error).__name__}: {error}"
            ) from error
        mlflow_model.signature = signature_from(schema, output, saved.metadata.get_params_schema())
        return predictor

    def _reference(self, predictor: MlflowPredictor) -> Reference:
        scored = score_reference(Scorer(self.plan, predictor, self.post), self.sample.records)
        if not scored.causes:
            raise ConfigurationError(
                f"the model refuses the features of all its reference records, the first: {scored.dead[0][1]}"
            ) from scored.dead[0][1]
        return Reference(self.sample.records, outputs_from_scored(scored), posted_from_scored(scored))

    def _flavor(self, predictor: MlflowPredictor) -> Flavor:
        return Flavor(
            makiserve_version=__version__,
            python_version=platform.python_version(),
            entry_point=self.collected.entry_point,
            record=self.collected.record,
            record_schema=self.schema.json_schema(),
            digest=self.collected.sources.digest,
            plan=self.plan.fingerprint,
            inputs=list(predictor.inputs),
            params=dict(self.params),
            post=self.collected.post,
            post_plan=self.post.fingerprint if self.post else None,
            reference_posted=REFERENCE_POSTED if self.post else None,
        )
