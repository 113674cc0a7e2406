"""What the loop tells of itself: counted as it goes, frozen once a second for the web pages, logged once a minute."""

from makiserve.serving.telemetry.audience import Audience
from makiserve.serving.telemetry.lanes import Lanes
from makiserve.serving.telemetry.service import service
from makiserve.serving.telemetry.sizes import Sizes
from makiserve.serving.telemetry.telemetry import Telemetry
from makiserve.serving.telemetry.tracing import tracing

__all__ = ["Audience", "Lanes", "Sizes", "Telemetry", "service", "tracing"]
