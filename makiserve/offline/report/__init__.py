"""The report of a replay: one HTML file that needs nothing else, for people who look before they read."""

from makiserve.offline.report.builder import ReportBuilder, with_metrics
from makiserve.offline.report.page import Measured, Report

__all__ = ["Measured", "Report", "ReportBuilder", "with_metrics"]
