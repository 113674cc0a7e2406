"""Build the serving image and test it: `make image`.

Uses docker, podman or buildah. buildah also works without kernel support for containers. If it cannot pull the base
image, image/base.sh makes one from Debian's packages.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from image.package_index import package_index_files
from makiserve.building import BASE, Engine, find_engine
from makiserve.errors import ConfigurationError
from makiserve.version import __version__

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "docker.io/library/python:3.11-slim-bookworm"


def main() -> int:
    """Build and test the image. Return the exit code of the tests."""
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")
    engine = find_engine()
    if engine is None:
        print("make image: install docker, podman or buildah (apt-get install buildah debootstrap)", file=sys.stderr)
        return 2
    try:
        if engine.name == "buildah":
            _ensure_base(engine)
        with tempfile.TemporaryDirectory() as directory:
            secrets = package_index_files(Path(directory))
            print(f"building {BASE} with {engine.name} …", flush=True)
            engine.build(ROOT, BASE, secrets=secrets, arguments={"VERSION": __version__})
            print(f"{BASE}: {engine.run('images', '--format', '{{.Size}}', BASE).stdout.strip()} unpacked", flush=True)
            command = [sys.executable, "-m", "pytest", "-q", "--timeout", "900", "tests/image"]
            files = {f"IMAGE_{name}": str(file) for name, file in secrets.items()}
            return subprocess.run(command, cwd=ROOT, env=os.environ | files, check=False).returncode  # noqa: S603
    except ConfigurationError as error:
        print(f"make image: {error}", file=sys.stderr)
        return error.exit_code


def _ensure_base(engine: Engine) -> None:
    if engine.run("inspect", "--type", "image", PYTHON).returncode and engine.run("pull", PYTHON).returncode:
        print(f"{PYTHON} cannot be pulled: building a base image from Debian packages …", flush=True)
        result = subprocess.run(  # noqa: S603  our own script
            [str(ROOT / "image" / "base.sh"), PYTHON], capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise ConfigurationError(f"image/base.sh: {result.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
