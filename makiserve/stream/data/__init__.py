"""Operators on the shape of a stream: windows, sessions, order."""

from makiserve.stream.data.as_of import as_of
from makiserve.stream.data.batch import batch
from makiserve.stream.data.cache import cache
from makiserve.stream.data.clip import clip
from makiserve.stream.data.encoding import decode, encode
from makiserve.stream.data.fill_none import fill_none
from makiserve.stream.data.forward_fill import forward_fill
from makiserve.stream.data.head_tail import head, tail
from makiserve.stream.data.lag import delta, lag
from makiserve.stream.data.padding import pad_end, pad_start
from makiserve.stream.data.roll import roll
from makiserve.stream.data.roll_calendar import roll_calendar
from makiserve.stream.data.roll_session import roll_session
from makiserve.stream.data.roll_time import roll_time
from makiserve.stream.data.roll_trailing import roll_trailing
from makiserve.stream.data.sort import sort
from makiserve.stream.data.split import split
from makiserve.stream.data.time_split import time_split
from makiserve.stream.data.to_collection import to_array, to_deque, to_list
from makiserve.stream.data.train_test_split import train_test_split
from makiserve.stream.data.window_bounds import window_end, window_start

__all__ = [
    "as_of",
    "batch",
    "cache",
    "clip",
    "decode",
    "delta",
    "encode",
    "fill_none",
    "forward_fill",
    "head",
    "lag",
    "pad_end",
    "pad_start",
    "roll",
    "roll_calendar",
    "roll_session",
    "roll_time",
    "roll_trailing",
    "sort",
    "split",
    "tail",
    "time_split",
    "to_array",
    "to_deque",
    "to_list",
    "train_test_split",
    "window_end",
    "window_start",
]
