"""Texts encoded for a file of bytes."""

from __future__ import annotations

import codecs

import rx

from makiserve.stream.engine.trace import Transform


def encoded(encoding: str) -> Transform:
    """Return the operator that encodes consecutive texts of one file, with a single byte order mark."""

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.defer(lambda _: source.pipe(rx.operators.map(codecs.getincrementalencoder(encoding)().encode)))

    return apply
