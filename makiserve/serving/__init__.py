"""The service: a process that reads partitions, scores their records and commits the results."""

from makiserve.serving.service import serve

__all__ = ["serve"]
