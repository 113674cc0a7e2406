"""Preflight checks: everything that can be verified before a service starts, one line per check."""

from makiserve.serving.preflight.checks import CHECKS
from makiserve.serving.preflight.runner import CheckResult, run

__all__ = ["CHECKS", "CheckResult", "run"]
