"""Items as parts of one long text or byte string, and back."""

from makiserve.stream.rxsci.framing import length_prefix, line

__all__ = ["length_prefix", "line"]
