"""Copy a model's files from its URI, and report the actual cause if that fails."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException

from makiserve.artifact.locate import locate
from makiserve.errors import ConfigurationError, RegistryUnavailable

# A lookup takes milliseconds. MLflow's default, 7 retries of 120 s, would hide a dead server for minutes.
_FAIL_FAST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
_QUIET = {"MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


@dataclass(frozen=True)
class Fetched:
    """A model's files.

    Attributes:
        directory: a copy; the original is never written to.
        name: the model's name in the registry; None if the URI is not that of a registered model.
        version: the model's version in the registry, with an alias resolved; None if the URI is not that of a
            registered model.
    """

    directory: Path
    name: str | None = None
    version: str | None = None


def fetch(uri: str, into: Path) -> Fetched:
    """Copy the files of a model.

    Args:
        uri: runs:/…/model, models:/name/1, models:/name@alias, models:/m-…, mlflow-artifacts:/…, a path, or any other
            URI that MLflow can download from.
        into: an empty directory.

    Raises:
        ConfigurationError: the model does not exist, or the tracking server does not answer.
    """
    try:
        with _environment(_FAIL_FAST):
            source = locate(uri)
        with _environment(_QUIET):
            path = download_artifacts(source.uri, dst_path=str(into))
    except (MlflowException, OSError, ImportError) as error:
        raise _error(uri, error) from error
    return Fetched(Path(path), source.name, source.version)


def newest(uri: str) -> str:
    """Return the version that an alias refers to now, as a URI of exactly that version: `models:/house/3`.

    Args:
        uri: models:/name@alias or models:/name/latest.

    Raises:
        ConfigurationError: the version does not exist, or the tracking server does not answer.
    """
    try:
        with _environment(_FAIL_FAST):
            return locate(uri).uri
    except (MlflowException, OSError) as error:
        raise _error(uri, error) from error


def _error(uri: str, error: Exception) -> ConfigurationError:
    cause = error.__cause__ or error.__context__
    if isinstance(error, MlflowException) and isinstance(cause, OSError):  # requests' errors are OSErrors
        return RegistryUnavailable(
            f"model {uri}: {mlflow.get_tracking_uri()} does not answer ({type(cause).__name__}): check "
            "MLFLOW_TRACKING_URI and the network"
        )
    return ConfigurationError(f"model {uri}: {_reason(error)}")


def _reason(error: Exception) -> str:
    first, *rest = str(error).strip().splitlines() or [type(error).__name__]
    detail = f" {rest[-1]}" if rest else ""
    where = f" (tracking server: {mlflow.get_tracking_uri()})" if isinstance(error, MlflowException) else ""
    return f"{first}{detail}{where}"


@contextmanager
def _environment(defaults: dict[str, str]) -> Iterator[None]:
    """Set environment variables temporarily, except those that the user has set."""
    added = {name: value for name, value in defaults.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


if sys.platform != "win32":  # services do not run on Windows, and a notebook there may leave its folder behind
    import fcntl

PREFIX = "makiserve-model-"


class ModelFolder:
    """An empty temporary folder that exists until it is removed.

    If its process ends first, the next `ModelFolder` removes it. Otherwise a container that is killed repeatedly would
    fill the volume that outlives it. The folder itself is locked while it is open. The kernel releases that lock
    however the process ends, and other containers on the volume also see it.

    Attributes:
        path: the folder's path.
    """

    def __init__(self) -> None:
        for abandoned in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            if (lock := _lock(abandoned)) is not None:
                shutil.rmtree(abandoned, ignore_errors=True)
                os.close(lock)
        while not self._is_taken():
            pass

    def _is_taken(self) -> bool:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._lock = _lock(self.path)
        # Another process may have found the folder before it was locked, and treated it as abandoned.
        return sys.platform == "win32" or (self._lock is not None and self.path.exists())

    def remove(self) -> None:
        """Delete the folder and release its lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _lock(path: Path) -> int | None:
    """Lock a folder and return its descriptor; None if another process has the lock, or the folder is gone."""
    if sys.platform == "win32":
        return None
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
        else:
            return descriptor
    return None
