"""Build the serving image and try it out: `make image`.

With docker or podman as everybody builds images. With buildah also where there is no kernel support for containers, and
no registry to be had: the base is then made of Debian's packages (image/base.sh).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from image.index import index_of_this_machine
from makiserve.building import BASE, Engine, find_engine
from makiserve.errors import ConfigurationError
from makiserve.version import __version__

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "docker.io/library/python:3.11-slim-bookworm"


def main() -> int:
    """Build, test; the exit code is that of the tests."""
    os.environ.setdefault("BUILDAH_ISOLATION", "chroot")
    engine = find_engine()
    if engine is None:
        print("make image: install docker, podman or buildah (apt-get install buildah debootstrap)", file=sys.stderr)
        return 2
    try:
        if engine.name == "buildah":
            _ensure_base(engine)
        with tempfile.TemporaryDirectory() as directory:
            secrets = index_of_this_machine(Path(directory))
            print(f"{engine.name} builds {BASE} …", flush=True)
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
        print(f"{PYTHON} cannot be pulled: Debian's packages stand in for it …", flush=True)
        done = subprocess.run(  # noqa: S603  our own script
            [str(ROOT / "image" / "base.sh"), PYTHON], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ConfigurationError(f"image/base.sh: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
