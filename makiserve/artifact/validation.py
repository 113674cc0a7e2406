"""Log the results of a validation to MLflow, linked to the validated model."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, LoggedModelInput, Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID

from makiserve.artifact.packaged import PackagedModel
from makiserve.errors import ConfigurationError

VERDICT, RUN = "makiserve.validation", "makiserve.validation.run"
"""Tags of the model version: the verdict (`passed` or `failed`), and the run with the details."""

MAX_DIGEST_LENGTH = 36  # the length of MLflow's column


@dataclass(frozen=True)
class Data:
    """The data that the model was validated on.

    Attributes:
        name: a readable name.
        digest: the digest of all of the data.
        source: the location of the data, as JSON.
        profile: the size of the data, as JSON.
    """

    name: str
    digest: str
    source: str
    profile: str


def log_validation(
    model: PackagedModel,
    data: Data,
    *,
    metrics: Mapping[str, float],
    params: Mapping[str, str],
    files: Sequence[Path],
    passed: bool | None,
) -> str:
    """Log a validation to a new child run of the run that logged the model; the parent run stays unchanged.

    Args:
        model: the validated model.
        data: the data that it was validated on.
        metrics: the metrics, which are logged to the run and to the model; nan is left out.
        params: the parameters of the validation.
        files: files to log as artifacts of the run.
        passed: whether the model met the requirements, which is set as a tag of the version. None if there were no
            requirements.

    Returns:
        The ID of the run.

    Raises:
        ConfigurationError: the model was not logged to this tracking server, or the server does not answer.
    """
    client = MlflowClient()
    try:
        run_id = _begin(client, model)
        try:
            _fill(client, run_id, model, data, metrics, params)
            for path in files:
                client.log_artifact(run_id, str(path))
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
        if passed is not None and model.name and model.version:
            client.set_model_version_tag(model.name, model.version, VERDICT, "passed" if passed else "failed")
            client.set_model_version_tag(model.name, model.version, RUN, run_id)
    except MlflowException as error:
        raise ConfigurationError(f"MLflow could not log the validation of {model.uri}: {error}") from error
    return run_id


def _begin(client: MlflowClient, model: PackagedModel) -> str:
    if not model.model_id:
        raise ConfigurationError(f"--log: {model.uri} does not belong to a logged model of MLflow: log the model again")
    experiment = client.get_logged_model(model.model_id).experiment_id
    tags = {MLFLOW_PARENT_RUN_ID: model.run_id} if model.run_id else {}
    name = f"validation of {model.name} {model.version}" if model.name else "validation"
    run_id: str = client.create_run(experiment, tags=tags, run_name=name).info.run_id
    return run_id


def _fill(
    client: MlflowClient,
    run_id: str,
    model: PackagedModel,
    data: Data,
    metrics: Mapping[str, float],
    params: Mapping[str, str],
) -> None:
    now, digest = int(time.time() * 1000), data.digest[:MAX_DIGEST_LENGTH]
    dataset = Dataset(data.name, digest, "makiserve", data.source, profile=data.profile)
    context = [InputTag(MLFLOW_DATASET_CONTEXT, "validation")]
    client.log_inputs(run_id, [DatasetInput(dataset, context)], [LoggedModelInput(model.model_id)])
    client.log_batch(
        run_id,
        metrics=[
            Metric(name, value, now, 0, model_id=model.model_id, dataset_name=data.name, dataset_digest=digest)
            for name, value in metrics.items()
            if not math.isnan(value)
        ],
        params=[Param(name, value) for name, value in params.items()],
    )
