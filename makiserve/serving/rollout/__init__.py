"""A service gets another version of its model while it runs: watched for, tried, switched to between two commits."""

from __future__ import annotations
