"""The report of a replay: one HTML file that needs nothing else, for people who look before they read."""

from makiserve.replaying.report.notes import Notes, with_metrics
from makiserve.replaying.report.page import Measured, Report

__all__ = ["Measured", "Notes", "Report", "with_metrics"]
