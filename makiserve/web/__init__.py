"""What a service shows of itself: health, metrics and a status page, read-only, from one snapshot."""

from makiserve.web.address import Address, address_from_text
from makiserve.web.board import Board
from makiserve.web.server import WebServer

__all__ = ["Address", "Board", "WebServer", "address_from_text"]
