"""Whoever is told how a worker fares."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from opentelemetry.sdk.trace import TracerProvider

from makiserve.web.snapshot import Snapshot


def _nobody(snapshot: Snapshot) -> None:
    """Is told."""


class Audience(NamedTuple):
    """To whom a worker reports.

    Attributes:
        worker: its name there.
        publish: is given a snapshot about once a second, on the loop's thread: it must not wait.
        spans: where traces go; None for nowhere.
    """

    worker: str = "worker"
    publish: Callable[[Snapshot], None] = _nobody
    spans: TracerProvider | None = None
