"""Where this machine gets its packages from, as files for the build: nothing of it comes into the image."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

CERTIFICATES = "/run/secrets/ca.pem"


def index_of_this_machine(directory: Path) -> dict[str, Path]:
    """Write pip's configuration and the certificates that it names.

    Args:
        directory: where to.

    Returns:
        The files, by the names that the Dockerfile has for them.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    options = {
        name: ast.literal_eval(value)
        for name, value in re.findall(r"^(?:global|:env:)\.([\w-]+)=(.*)$", listed, re.MULTILINE)
        if name in ("cert", "index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout")
    }
    found = {}
    if certificates := options.pop("cert", None):
        found["ca.pem"] = Path(certificates)
        options["cert"] = CERTIFICATES
    if options:
        found["pip.conf"] = directory / "pip.conf"
        found["pip.conf"].write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
    return found
