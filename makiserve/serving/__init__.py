"""The service: a process that reads partitions, scores their records and commits the results."""

from makiserve.serving.serve import serve

__all__ = ["serve"]
