"""Records that must be grouped by something that is not the key of their messages go through a topic of their own.

A first stage produces each message again, with the field's value as its key: equal values meet in one partition. Its
loop is a worker's like any other, so that its guarantees are the same. The second stage serves the topic, and gives
outputs and dead letters the key and the position that the record had before. Decision 0022.
"""

from makiserve.serving.rekeying.serve import serve_first, serve_second

__all__ = ["serve_first", "serve_second"]
