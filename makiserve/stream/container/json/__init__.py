"""JSON as streams of objects: lines of JSON, or one object a file."""

from makiserve.stream.container.json.dump import dump
from makiserve.stream.container.json.dump_to_file import dump_to_file
from makiserve.stream.container.json.load import load
from makiserve.stream.container.json.load_from_file import load_from_file

__all__ = ["dump", "dump_to_file", "load", "load_from_file"]
