"""The status page: one document with inline style and script, and the policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

HERE = Path(__file__).parent


def _part(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE, _SCRIPT = _part("page.css"), "".join(map(_part, ("page.js", "plot.js", "sections.js", "poll.js")))

PAGE = _part("page.html").replace("/* page.css */", _STYLE).replace("/* page.js */", _SCRIPT).encode()

POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src {_hash(_SCRIPT)}",
        f"style-src {_hash(_STYLE)}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy: it allows this style, this script, and responses of this server."""
