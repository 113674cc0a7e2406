"""Operators on items: transform, select, group, combine; sources and sinks of scripts and notebooks."""

from makiserve.stream.ops.assert_ import assert_, assert_1
from makiserve.stream.ops.conversion import from_iterable, from_pandas, to_pandas
from makiserve.stream.ops.count import count
from makiserve.stream.ops.distinct import distinct, distinct_until_changed
from makiserve.stream.ops.do_action import do_action
from makiserve.stream.ops.filter import filter
from makiserve.stream.ops.group_by import group_by
from makiserve.stream.ops.identity import identity
from makiserve.stream.ops.map import flat_map, map, starmap
from makiserve.stream.ops.multiplex import multiplex
from makiserve.stream.ops.on_subscribe import on_subscribe
from makiserve.stream.ops.pairwise import pairwise
from makiserve.stream.ops.position import first, last, take
from makiserve.stream.ops.progress import progress
from makiserve.stream.ops.scan import scan
from makiserve.stream.ops.start_with import start_with
from makiserve.stream.ops.tee_map import tee_map
from makiserve.stream.ops.with_latest_from import with_latest_from

__all__ = [
    "assert_",
    "assert_1",
    "count",
    "distinct",
    "distinct_until_changed",
    "do_action",
    "filter",
    "first",
    "flat_map",
    "from_iterable",
    "from_pandas",
    "group_by",
    "identity",
    "last",
    "map",
    "multiplex",
    "on_subscribe",
    "pairwise",
    "progress",
    "scan",
    "starmap",
    "start_with",
    "take",
    "tee_map",
    "to_pandas",
    "with_latest_from",
]
