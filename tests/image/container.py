"""A running image, by docker or podman, or for buildah its files, user and command with a read-only root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from makiserve.building import Engine
from tests.integration.serving.service import START_S

# What an engine does with a read-only root, where the kernel lets nobody make a container. It becomes the command.
ENTER = """
root=$1 user=$2 directory=$3; shift 3
mount --bind "$root" "$root"; mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec chroot "$root" setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs \\
    --bounding-set=-all --inh-caps=-all sh -c 'cd "$0" && exec "$@"' "$directory" "$@"
"""


class Image:
    """An image that was built. As a context manager it is mounted, where buildah runs it."""

    def __init__(self, engine: Engine, tag: str) -> None:
        self.engine, self.tag = engine, tag

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of the image: User, Entrypoint, Env, Labels, Healthcheck …"""
        inspected = json.loads(self.engine.run("inspect", "--type", "image", self.tag).stdout)
        if self.engine.name == "buildah":
            config: dict[str, Any] = inspected["Docker"]["config"]
            return config
        first: dict[str, Any] = inspected[0]["Config"]
        return first

    def __enter__(self) -> Image:
        self.container = self._done("from", "--pull-never", self.tag) if self.engine.name == "buildah" else ""
        self.root = Path(self._done("mount", self.container)) if self.container else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.container:
            self._done("rm", self.container)

    def run(self, *arguments: str, entrypoint: list[str] | None = None, **environment: str) -> Running:
        """Start a container on the host's network. Only /tmp is writable."""
        config = self.config
        command = entrypoint or config["Entrypoint"]
        if self.root:
            variables = dict(variable.split("=", 1) for variable in config["Env"]) | environment
            enter = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER, "sh", str(self.root)]
            return Running([*enter, config["User"], config["WorkingDir"], *command, *arguments], variables)
        flags = ["--rm", "--network=host", "--read-only", "--tmpfs=/tmp", f"--entrypoint={command[0]}"]
        flags += [f"--env={name}={value}" for name, value in environment.items()]
        return Running([self.engine.name, "run", *flags, self.tag, *command[1:], *arguments], dict(os.environ))

    def _done(self, *arguments: str) -> str:
        done = self.engine.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


class Running:
    """A process of the image. As a context manager it never outlives the test."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        environment = {"PATH": os.environ["PATH"]} | environment
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, stdout, stderr."""
        output, log = self.process.communicate(timeout=START_S)
        return self.process.returncode, output, log

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            sys.stderr.write(self.end()[2])  # shown with a failed test
