"""Texts encoded for a file of bytes."""

from __future__ import annotations

import codecs

from makiserve.stream.engine.trace import Transform
from makiserve.stream.reactive import library_of, rx


def encoded(encoding: str) -> Transform:
    """Return the operator that encodes consecutive texts of one file, with a single byte order mark."""

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.defer(
            lambda _: source.pipe(library_of(source).operators.map(codecs.getincrementalencoder(encoding)().encode))
        )

    return apply
