"""CSV as streams of named tuples, with RxSci's names: for notebooks, scripts and topics of CSV lines.

A served or replayed file is read by the typed parsers of `makiserve.records` instead.
"""

from makiserve.stream.rxsci.container.csv.dump import dump, dump_to_file
from makiserve.stream.rxsci.container.csv.load import load, load_from_file
from makiserve.stream.rxsci.container.csv.parser import create_line_parser

__all__ = ["create_line_parser", "dump", "dump_to_file", "load", "load_from_file"]
