"""The preflight: everything that can be found out before a service starts, a line each."""

from makiserve.serving.preflight.checks import CHECKS
from makiserve.serving.preflight.run import CheckResult, run

__all__ = ["CHECKS", "CheckResult", "run"]
