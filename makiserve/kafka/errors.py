"""Kafka's errors: which makiserve error each becomes, and the retry of a call."""

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
from makiserve.kafka.error_codes import (
    FENCING,
    LOST_GENERATION,
    MISSING,
    PASSING,
    REFUSED,
    UNDELIVERED,
    UNFINISHED,
)

T = TypeVar("T")

FIRST_PAUSE_S = 0.05
MAX_PAUSE_S = 1.0


def error_from_kafka(error: KafkaError, doing: str) -> MakiserveError:
    """Return the makiserve error for a librdkafka error. Its message begins with `doing`: the action and the place."""
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
    # From here on, librdkafka's documented order: abort, retry, fatal.
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
def to_error(doing: str) -> Iterator[None]:
    """Convert what librdkafka raises inside the block to a makiserve error, chained to the original."""
    try:
        yield
    except KafkaException as error:
        raise error_from_kafka(error.args[0], doing) from error
    except SystemError as error:
        # A fatal error and a delivery report in the same poll: the binding wraps one in the other.
        if not isinstance(error.__cause__, KafkaException):
            raise
        raise error_from_kafka(error.__cause__.args[0], doing) from error


def retry(call: Callable[[], T], within: timedelta, is_over: Callable[[], bool] = lambda: False) -> T:
    """Make a call, and repeat it with a growing pause while it raises RetryCall and there is time.

    Args:
        call: the call to make.
        within: the total time allowed.
        is_over: returns whether to stop early; called after each failure.

    Raises:
        BrokerUnavailable: the time is over. The message contains that of the last RetryCall.
    """
    began = time.monotonic()
    pause = FIRST_PAUSE_S
    while True:
        try:
            return call()
        except RetryCall as error:
            passed = time.monotonic() - began
            if passed + pause > within.total_seconds() or is_over():
                raise BrokerUnavailable(
                    f"The broker does not answer: {error}. Retried for {passed:.0f} s. Check the brokers and "
                    "the network."
                ) from error
        time.sleep(pause)
        pause = min(2 * pause, MAX_PAUSE_S)
