"""Monitoring: health checks, metrics and a status page, read-only, from one snapshot."""

from makiserve.monitoring.board import Board
from makiserve.monitoring.server import Address, WebServer, address_from_text

__all__ = ["Address", "Board", "WebServer", "address_from_text"]
