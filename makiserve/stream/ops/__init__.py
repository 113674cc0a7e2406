"""Operators on items: transform, select, group, combine."""

from makiserve.stream.ops.count import count
from makiserve.stream.ops.filter import filter
from makiserve.stream.ops.first import first
from makiserve.stream.ops.group_by import group_by
from makiserve.stream.ops.last import last
from makiserve.stream.ops.map import map
from makiserve.stream.ops.scan import scan
from makiserve.stream.ops.tee_map import tee_map

__all__ = ["count", "filter", "first", "group_by", "last", "map", "scan", "tee_map"]
