"""The package index of this machine, as secrets of the build that do not get into the image."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

CERTIFICATES = "/run/secrets/ca.pem"


def package_index_files(directory: Path) -> dict[str, Path]:
    """Write pip's configuration, and find the certificates that it names.

    Args:
        directory: directory to write to.

    Returns:
        The files, by the names of their secrets in the Dockerfile.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    options = {
        name: ast.literal_eval(value)
        for name, value in re.findall(r"^(?:global|:env:)\.([\w-]+)=(.*)$", listed, re.MULTILINE)
        if name in ("cert", "index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout")
    }
    files = {}
    if certificates := options.pop("cert", None):
        files["ca.pem"] = Path(certificates)
        options["cert"] = CERTIFICATES
    if options:
        files["pip.conf"] = directory / "pip.conf"
        files["pip.conf"].write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
    return files
