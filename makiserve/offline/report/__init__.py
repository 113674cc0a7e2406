"""The report of a replay: one self-contained HTML file, mostly plots."""

from makiserve.offline.report.builder import ReportBuilder, with_metrics
from makiserve.offline.report.page import Measured, Report

__all__ = ["Measured", "Report", "ReportBuilder", "with_metrics"]
