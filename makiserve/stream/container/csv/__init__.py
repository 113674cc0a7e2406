"""CSV as streams of named tuples, with RxSci's names: for notebooks, scripts and topics of CSV lines.

A served or replayed file is read by the typed parsers of `makiserve.records` instead.
"""

from makiserve.stream.container.csv.create_line_parser import create_line_parser
from makiserve.stream.container.csv.dump import dump
from makiserve.stream.container.csv.dump_to_file import dump_to_file
from makiserve.stream.container.csv.load import load
from makiserve.stream.container.csv.load_from_file import load_from_file

__all__ = ["create_line_parser", "dump", "dump_to_file", "load", "load_from_file"]
