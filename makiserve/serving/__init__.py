"""The service: a process that reads partitions, scores their records and commits what came of them."""

from makiserve.serving.serve import serve

__all__ = ["serve"]
