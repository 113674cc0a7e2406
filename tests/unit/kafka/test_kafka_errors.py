"""The meaning of each error of librdkafka, and the retries of a call."""

from __future__ import annotations

from datetime import timedelta

import pytest
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
from makiserve.kafka import error_codes as codes
from makiserve.kafka.errors import error_from_kafka, retry, to_error
from tests.loops import loop_over

PLAIN = KafkaError.OPERATION_NOT_ATTEMPTED  # in no group

# One row for every combination of (txn_requires_abort, retriable, fatal); one column for every group of codes.
FLAGS = [
    # abort  retry  fatal | plain            passing          fencing           lost or undelivered  missing
    (False, False, False, InternalError, RetryCall, Fenced, AbortTransaction, ConfigurationError),
    (False, False, True, Fenced, Fenced, Fenced, Fenced, Fenced),
    (False, True, False, RetryCall, RetryCall, RetryCall, RetryCall, RetryCall),
    (False, True, True, RetryCall, RetryCall, RetryCall, RetryCall, RetryCall),
    (True, False, False, *(AbortTransaction,) * 5),
    (True, False, True, *(AbortTransaction,) * 5),
    (True, True, False, *(AbortTransaction,) * 5),
    (True, True, True, *(AbortTransaction,) * 5),
]
GROUPS = ([PLAIN], codes.PASSING, codes.FENCING, codes.LOST_GENERATION | codes.UNDELIVERED, codes.MISSING)


def error(code: int, abort: bool = False, retry: bool = False, fatal: bool = False) -> KafkaError:
    return KafkaError(code, "reason", fatal=fatal, retriable=retry, txn_requires_abort=abort)


@loop_over(
    ("abort", "retry", "fatal", "group", "expected"),
    [(*row[:3], group, kind) for row in FLAGS for group, kind in zip(GROUPS, row[3:], strict=True)],
)
def test_flags_decide_in_librdkafkas_order_and_codes_where_there_is_no_flag(
    abort: bool, retry: bool, fatal: bool, group: set[int], expected: type[MakiserveError]
) -> None:
    for code in group:
        assert type(error_from_kafka(error(code, abort, retry, fatal), "Doing")) is expected, KafkaError(code).name()


@loop_over(("abort", "retry", "fatal"), [row[:3] for row in FLAGS])
def test_errors_that_need_an_operator_are_never_retried(abort: bool, retry: bool, fatal: bool) -> None:
    for code in codes.REFUSED:
        assert type(error_from_kafka(error(code, abort, retry, fatal), "Doing")) is ConfigurationError


@loop_over(("abort", "retry", "fatal"), [row[:3] for row in FLAGS])
def test_call_during_an_unfinished_call_is_a_bug(abort: bool, retry: bool, fatal: bool) -> None:
    assert type(error_from_kafka(error(codes.UNFINISHED, abort, retry, fatal), "Doing")) is InternalError


def test_message_names_event_place_and_remedy() -> None:
    translated = error_from_kafka(error(KafkaError.TOPIC_AUTHORIZATION_FAILED), "Reading house[3]")
    assert str(translated).startswith("Reading house[3]: reason (TOPIC_AUTHORIZATION_FAILED): grant the principal")


def test_the_original_error_is_chained() -> None:
    original = KafkaException(error(KafkaError.REQUEST_TIMED_OUT))
    with pytest.raises(RetryCall) as caught, to_error("Doing"):
        raise original
    assert caught.value.__cause__ is original


def test_fatal_error_inside_a_system_error_is_recognized() -> None:
    with pytest.raises(Fenced), to_error("Doing"):
        raise SystemError("returned a result with an exception set") from KafkaException(
            error(KafkaError.INVALID_PRODUCER_EPOCH, fatal=True)
        )


def test_errors_of_other_libraries_are_not_converted() -> None:
    for other in (SystemError("of the interpreter"), ValueError("of the caller")):
        with pytest.raises(type(other)), to_error("Doing"):
            raise other


class Flaky:
    """Fails with RetryCall a number of times, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self) -> str:
        if self.failures:
            self.failures -= 1
            raise RetryCall("Asking: no answer")
        return "answer"


def test_a_call_is_made_again_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    assert retry(Flaky(failures=7), timedelta(minutes=1)) == "answer"
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


def test_when_the_time_is_over_the_broker_is_unavailable() -> None:
    with pytest.raises(BrokerUnavailable, match=r"does not answer: Asking: no answer\. Retried for 0 s\."):
        retry(Flaky(failures=1), timedelta(0))


def test_retry_stops_early_if_there_is_no_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    asked = iter([False, False, True])
    with pytest.raises(BrokerUnavailable):
        retry(Flaky(failures=9), timedelta(minutes=1), lambda: next(asked))
    assert list(asked) == []
    assert retry(Flaky(failures=0), timedelta(0), lambda: True) == "answer"


def test_fenced_client_is_recognized_in_every_call() -> None:
    assert type(error_from_kafka(KafkaError(KafkaError._FATAL), "Producing to out[0]")) is Fenced


# The end of the state topic was requested during a leader election: the service ended with an internal error.


def test_a_question_that_finds_no_leader_is_asked_again() -> None:
    assert type(error_from_kafka(KafkaError(KafkaError._NOENT), "Asking for the end of in[1]")) is RetryCall
