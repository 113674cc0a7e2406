"""A packaged model on its way to the executors, as an archive of its directory."""

from __future__ import annotations

import atexit
import hashlib
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pyspark import SparkFiles

from makiserve.artifact import PackagedModel, load_served
from makiserve.artifact.fetch import ModelFolder
from makiserve.artifact.source.finder import forget_other_versions
from makiserve.artifact.source.sources import Sources
from makiserve.records import Schema
from makiserve.scoring import Outputs, Scorer
from makiserve.settings import ModelSettings

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive, so that the same files give the same bytes."""


@dataclass(frozen=True)
class OpenedModel:
    """A model with its pipeline that is ready to score in this process."""

    model: PackagedModel

    @cached_property
    def scorer(self) -> Scorer:
        """The model's scorer."""
        return self.model.scorer()

    @cached_property
    def schema(self) -> Schema:
        """The schema of the records."""
        return Schema(self.model.record)

    @cached_property
    def form(self) -> Outputs:
        """The form of the outputs."""
        return self.model.outputs()


def open_model(uri: str, emit: tuple[str, ...]) -> OpenedModel:
    """Load a model and check it as a service does at its start.

    Raises:
        ConfigurationError: the model does not exist, or `emit` names a part that does not exist.
        ModelRefused: it cannot be loaded here, or does not reproduce its reference outputs.
    """
    model = load_served(ModelSettings(model=uri, emit=emit))
    assert isinstance(model, PackagedModel)  # noqa: S101  it was given a model
    return OpenedModel(model)


@dataclass(frozen=True)
class ModelPackage:
    """A model's directory as a file that Spark copies to each executor.

    Attributes:
        archive: the name of the file.
        sources: the modules of the model's pipeline; None without one.
        emit: the parts of an output.
    """

    archive: str
    sources: Sources | None
    emit: tuple[str, ...]

    def open(self) -> OpenedModel:
        """Load the model from the executor's copy, and check that it reproduces its reference outputs here.

        Raises:
            ModelRefused: it cannot be loaded, or does not reproduce them.
        """
        if self.sources is not None:
            forget_other_versions(self.sources)
        with tempfile.TemporaryDirectory(prefix="makiserve-") as folder:
            with ZipFile(SparkFiles.get(self.archive)) as archive:
                archive.extractall(folder)
            return open_model(folder, self.emit)


def send_model(spark: Any, model: PackagedModel) -> ModelPackage:
    """Make a model's files available on the executors of a session.

    The archive is named for its content, so that a model that was sent before is not sent again. Executors fetch it
    when they run their first task, so it exists as long as this process.

    Args:
        spark: the session.
        model: the loaded model.
    """
    file = _outbox() / "model.zip"
    _archive(model.directory, file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    named = file.replace(file.with_name(f"makiserve-{digest}.zip"))
    spark.addArtifacts(str(named), file=True)
    return ModelPackage(named.name, model.sources, model.emit)


@cache
def _outbox() -> Path:
    """Return a folder that is removed when this process ends."""
    folder = ModelFolder()
    atexit.register(folder.remove)
    return folder.path


def _archive(directory: Path, file: Path) -> None:
    with ZipFile(file, "w") as archive:
        for path in sorted(path for path in directory.rglob("*") if path.is_file()):
            entry = ZipInfo(path.relative_to(directory).as_posix(), EPOCH)
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
