"""The image builder on this machine: docker, podman or buildah."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from makiserve.errors import ConfigurationError

ENGINES = ("docker", "podman", "buildah")
LOG_LINES = 20


@dataclass(frozen=True)
class Engine:
    """A program that builds images.

    Attributes:
        name: docker, podman or buildah.
    """

    name: str

    def build(
        self,
        context: Path,
        tag: str,
        *,
        secrets: Mapping[str, Path] | None = None,
        arguments: Mapping[str, str] | None = None,
    ) -> None:
        """Build an image.

        Args:
            context: a directory with a Dockerfile.
            tag: the image's name.
            secrets: files that the build can read but that stay out of the image, by their name in the Dockerfile.
            arguments: values for the Dockerfile's ARG instructions, by name.

        Raises:
            ConfigurationError: the build failed; the message contains the end of its log.
        """
        command = ["build", "--tag", tag]
        if self.name != "docker":
            # The OCI format has no health check. The base image may exist only locally, hence no pull.
            command += ["--format", "docker", "--pull=false"]
        for name, file in (secrets or {}).items():
            command += ["--secret", f"id={name},src={file}"]
        for name, value in (arguments or {}).items():
            command += ["--build-arg", f"{name}={value}"]
        done = self.run(*command, str(context))
        if done.returncode:
            log = "\n".join((done.stdout + done.stderr).strip().splitlines()[-LOG_LINES:])
            raise ConfigurationError(f"{self.name} build {context} failed, so the image {tag} was not built:\n{log}")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the engine's commands and wait until it ends."""
        return subprocess.run(  # noqa: S603  the user's own program
            [self.name, *arguments], capture_output=True, text=True, check=False
        )


def find_engine() -> Engine | None:
    """Return the first engine that is installed and works; None if there is none.

    docker's client alone is not enough: it cannot build without its daemon.
    """
    for engine in map(Engine, ENGINES):
        if shutil.which(engine.name) and not engine.run("version" if engine.name == "docker" else "info").returncode:
            return engine
    return None
