"""The loop's telemetry: counters, a snapshot once a second for the web pages, and a log line once a minute."""

from makiserve.serving.telemetry.description import describe_service
from makiserve.serving.telemetry.lag_tracker import LagTracker
from makiserve.serving.telemetry.measures import StateSizer, TelemetrySink, Timings
from makiserve.serving.telemetry.telemetry import Telemetry
from makiserve.serving.telemetry.tracing import tracing

__all__ = ["LagTracker", "StateSizer", "Telemetry", "TelemetrySink", "Timings", "describe_service", "tracing"]
