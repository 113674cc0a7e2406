"""Write a model's files for `mlflow.models.Model.log`: the model with its own flavor, then the `makiserve` flavor."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import Model, ModelSignature

from makiserve.artifact.categories import categories_of
from makiserve.artifact.flavor import REFERENCE_POSTED, SOURCES, Flavor
from makiserve.artifact.mlflow_predictor import MlflowPredictor
from makiserve.artifact.pipeline import Pipeline
from makiserve.artifact.reference.reference import (
    Reference,
    outputs_from_scored,
    posted_from_scored,
    score_reference,
)
from makiserve.artifact.signature import input_schema, signature_from
from makiserve.errors import ConfigurationError, PredictError
from makiserve.scoring import Scorer
from makiserve.scoring.drift import Profile, Reservoir, columns_of_predictions, profile_from
from makiserve.scoring.isolate import predict_each
from makiserve.scoring.traffic_split import row_of
from makiserve.version import __version__

Save = Callable[[Path, Model, Mapping[str, Any]], ModelSignature | None]
"""Writes the files of a model, adds its flavors to the MLmodel, and returns its signature if it has a reliable one.

It takes a directory that does not exist, the MLmodel, and the options of the flavor.
"""


MAX_PREDICTED = 10_000
"""The maximum number of predictions for the profile."""


@dataclass(frozen=True)
class Package:
    """A pipeline that is ready to be saved with its model. MLflow uses it like the module of a flavor.

    Attributes:
        pipeline: the pipeline with its reference records.
        save: the function that writes the model.
        inputs: the features that the model takes, in its order; None for a pipeline without a model.
        params: the parameters of the model's function that differ from their defaults.
        training: the features of the training by name; None to profile those of the reference.
    """

    pipeline: Pipeline
    save: Save
    inputs: tuple[str, ...] | None
    params: Mapping[str, Any]
    training: Mapping[str, Any] | None = None

    __name__ = "makiserve"

    def save_model(self, path: str, mlflow_model: Model, **options: Any) -> None:
        """Write a model's directory.

        Args:
            path: a directory that does not exist.
            mlflow_model: the model's MLmodel, still without flavors.
            options: the options of the model's flavor.
        """
        directory = Path(path)
        signature = self.save(directory, mlflow_model, options)
        predictor = self._predictor(directory, mlflow_model, signature, self.inputs) if self.inputs else None
        self.pipeline.collected.sources.write(directory / SOURCES)
        reference = self._reference(predictor)
        flavor = self._flavor(predictor)
        reference.write(directory, flavor, self.pipeline.schema)
        (directory / flavor.profile).write_bytes(self._profile(predictor).to_json())
        flavor.add_to(mlflow_model)
        mlflow_model.save(str(directory / "MLmodel"))

    def _predictor(
        self, directory: Path, mlflow_model: Model, signature: ModelSignature | None, inputs: tuple[str, ...]
    ) -> MlflowPredictor:
        """Load the saved model as a service will load it. If it has no signature, derive one from the features.

        A signature that MLflow infers from an example is not reliable: it takes a whole number for an integer.
        """
        saved = mlflow.pyfunc.load_model(str(directory), suppress_warnings=True)
        categories = categories_of(saved, inputs, self.training)
        if signature is not None and signature.inputs is not None:
            return MlflowPredictor(saved, inputs, params=self.params, categories=categories)
        sample = self.pipeline.sample.features
        kind: Any = type(sample[0])
        rows: list[Any] = list(map(row_of(kind, inputs), sample))
        schema = input_schema(kind, inputs, rows)
        predictor = MlflowPredictor(saved, inputs, schema, self.params, categories=categories)
        try:
            output = predictor.output(rows)
        except Exception as error:
            raise ConfigurationError(
                f"the model cannot predict the features of its reference records: {type(error).__name__}: {error}. "
                "If it was fitted on category columns, pass log_model(…, training=the frame it was fitted on)"
            ) from error
        mlflow_model.signature = signature_from(schema, output, saved.metadata.get_params_schema())
        return predictor

    def _reference(self, predictor: MlflowPredictor | None) -> Reference:
        records = self.pipeline.sample.records
        scored = score_reference(Scorer(self.pipeline.plan, predictor, self.pipeline.post), records)
        if not scored.causes:
            raise ConfigurationError(
                f"the model refuses the features of all reference records, so no output could be packaged. Correct "
                f"the pipeline or the model; the first error: {scored.dead[0][1]}"
            ) from scored.dead[0][1]
        return Reference(records, outputs_from_scored(scored), posted_from_scored(scored))

    def _profile(self, predictor: MlflowPredictor | None) -> Profile:
        columns = self.pipeline.columns(self.training)
        named = {title: columns[name] for name, title in self.pipeline.titles.items() if name in columns}
        if predictor is None or not set(predictor.inputs) <= named.keys():
            return profile_from(columns)
        sample = Reservoir(MAX_PREDICTED)
        sample.add(*(named[name] for name in predictor.inputs))
        predictions = predict_each(predictor, sample.rows)
        valid = [prediction for prediction in predictions if not isinstance(prediction, PredictError)]
        return profile_from(columns | columns_of_predictions(valid))

    def _flavor(self, predictor: MlflowPredictor | None) -> Flavor:
        pipeline = self.pipeline
        return Flavor(
            makiserve_version=__version__,
            python_version=platform.python_version(),
            entry_point=pipeline.collected.entry_point,
            record=pipeline.collected.record,
            record_schema=pipeline.schema.json_schema(),
            digest=pipeline.collected.sources.digest,
            plan=pipeline.plan.fingerprint,
            inputs=list(predictor.inputs) if predictor else [],
            params=dict(self.params),
            layout=predictor.layout if predictor else None,
            categories=predictor.categories if predictor else {},
            post=pipeline.collected.post,
            post_plan=pipeline.post.fingerprint if pipeline.post else None,
            reference_posted=REFERENCE_POSTED if pipeline.post else None,
            link=pipeline.link,
            reference_table=pipeline.sample.table,
            training_sources=list(getattr(self.training, "attrs", {}).get("sources", ())),
        )
