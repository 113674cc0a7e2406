"""Logging to stderr, as text or JSON lines."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec

QUIET = ("mlflow", "alembic", "sqlalchemy", "urllib3", "git")


def set_up_logging(form: str, process: str = "") -> None:
    """Log to stderr: makiserve from level INFO, libraries from level WARNING.

    Args:
        form: `text` or `json`.
        process: the name of this process, to show in each line; empty if there is only one.
    """
    handler = logging.StreamHandler(sys.stderr)
    named = f"{process}: " if process else ""
    text = logging.Formatter(f"%(asctime)s %(levelname)-7s {named}%(message)s")
    handler.setFormatter(_Json(process) if form == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Json(logging.Formatter):
    """One JSON object per line. An argument of the message can add fields by its attribute `log_fields`."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = {"process": process} if process else {}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        } | self._process
        arguments = record.args if isinstance(record.args, tuple) else ()
        for argument in arguments:
            line |= getattr(argument, "log_fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()
