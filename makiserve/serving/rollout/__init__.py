"""Roll out a new model version while the service runs: detect it, check it, and switch between two commits."""

from __future__ import annotations
