"""librdkafka's errors, translated once into the error tree: by code and flags, never by text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from makiserve.errors import (
    AbortTransaction,
    BrokerUnavailable,
    ConfigurationError,
    Fenced,
    InternalError,
    MakiserveError,
    RetryCall,
)
from makiserve.kafka.codes import FENCING, LOST_GENERATION, MISSING, PASSING, REFUSED, UNDELIVERED, UNFINISHED

T = TypeVar("T")

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0


def fault(error: KafkaError, doing: str) -> MakiserveError:
    """What an error of librdkafka means for the caller. The message begins with what was being `doing`, and where."""
    kind = _kind(error)
    message = f"{doing}: {error.str()} ({error.name()})"
    remedy = REFUSED.get(error.code()) or MISSING.get(error.code())
    return kind(f"{message}: {remedy}" if remedy and kind is ConfigurationError else message)


def _kind(error: KafkaError) -> type[MakiserveError]:
    code = error.code()
    if code in REFUSED:
        return ConfigurationError
    if code == UNFINISHED:
        return InternalError
    # From here on librdkafka's own order: abort, retry, fatal.
    if error.txn_requires_abort():
        return AbortTransaction
    if error.retriable():
        return RetryCall
    if code in FENCING or error.fatal():
        return Fenced
    return _kind_without_flags(code)


def _kind_without_flags(code: int) -> type[MakiserveError]:
    if code in LOST_GENERATION or code in UNDELIVERED:
        return AbortTransaction
    if code in PASSING:
        return RetryCall
    return ConfigurationError if code in MISSING else InternalError


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turns what librdkafka raises inside the block into the error tree, the original chained to it."""
    try:
        yield
    except KafkaException as error:
        raise fault(error.args[0], doing) from error
    except SystemError as error:
        # A fatal error that meets a delivery report inside one poll: the binding raises the one through the other.
        if not isinstance(error.__cause__, KafkaException):
            raise
        raise fault(error.__cause__.args[0], doing) from error


def insist(call: Callable[[], T], within: timedelta, is_over: Callable[[], bool] = lambda: False) -> T:
    """Makes a call again, after a pause, for as long as it raises RetryCall and there is time.

    Args:
        call: what is made again.
        within: how long it may take in all.
        is_over: whether there is no time any more, however long it has taken; asked after each failure.

    Raises:
        BrokerUnavailable: the time is over; its message is that of the last RetryCall.
    """
    began = time.monotonic()
    pause = FIRST_PAUSE_S
    while True:
        try:
            return call()
        except RetryCall as error:
            passed = time.monotonic() - began
            if passed + pause > within.total_seconds() or is_over():
                raise BrokerUnavailable(f"The broker does not answer: {error}. Tried for {passed:.0f} s.") from error
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
