"""What a service shows of itself: health, metrics and a status page, read-only, from one snapshot."""

from makiserve.web.board import Board
from makiserve.web.server import Address, WebServer

__all__ = ["Address", "Board", "WebServer"]
