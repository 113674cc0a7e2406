"""Texts on their way into a file of bytes."""

from __future__ import annotations

import codecs

import rx

from makiserve.stream.engine.trace import Transform


def encoded(encoding: str) -> Transform:
    """The bytes of a stream of texts that will stand one after the other: a byte order mark comes once."""

    def apply(source: rx.Observable) -> rx.Observable:
        return rx.defer(lambda _: source.pipe(rx.operators.map(codecs.getincrementalencoder(encoding)().encode)))

    return apply
