"""Every error code of the binding has its place."""

from __future__ import annotations

from confluent_kafka import KafkaError

from makiserve.errors import InternalError
from makiserve.kafka import error_codes as codes
from makiserve.kafka.errors import error_from_kafka

GROUPS = {
    "refused": set(codes.REFUSED),
    "missing": set(codes.MISSING),
    "fencing": codes.FENCING,
    "lost generation": codes.LOST_GENERATION,
    "undelivered": codes.UNDELIVERED,
    "passing": codes.PASSING,
    "purged": codes.PURGED,
    "alone": {codes.UNFINISHED, codes.NOT_STARTED, codes.END_OF_PARTITION, codes.EXISTS, KafkaError.NO_ERROR},
}

UNEXPECTED = {
    # Of a call that was made in the wrong moment or with the wrong arguments: makiserve's own mistake.
    KafkaError._DESTROY,
    KafkaError._DESTROY_BROKER,
    KafkaError._FAIL,
    KafkaError._UNKNOWN_GROUP,
    KafkaError._IN_PROGRESS,
    KafkaError._PREV_IN_PROGRESS,
    KafkaError._EXISTING_SUBSCRIPTION,
    KafkaError._UNKNOWN_PROTOCOL,
    KafkaError._NOT_IMPLEMENTED,
    KafkaError._NO_OFFSET,
    KafkaError._READ_ONLY,
    KafkaError._INVALID_TYPE,
    KafkaError._INCONSISTENT,
    KafkaError._NOT_CONFIGURED,
    KafkaError._APPLICATION,
    KafkaError.INVALID_REQUEST,
    KafkaError.OPERATION_NOT_ATTEMPTED,
    KafkaError.RESOURCE_NOT_FOUND,
    KafkaError.DUPLICATE_RESOURCE,
    KafkaError.INVALID_REGULAR_EXPRESSION,
    # librdkafka speaks so to itself.
    KafkaError._NODE_UPDATE,
    KafkaError._ASSIGN_PARTITIONS,
    KafkaError._REVOKE_PARTITIONS,
    KafkaError._OUTDATED,
    KafkaError._PARTIAL,
    KafkaError._UNDERFLOW,
    KafkaError._NOOP,
    # Of serializers, access lists, delegation tokens, elections, quorums, telemetry, share and streams groups: nothing
    # that makiserve asks for.
    KafkaError._KEY_SERIALIZATION,
    KafkaError._VALUE_SERIALIZATION,
    KafkaError._KEY_DESERIALIZATION,
    KafkaError._VALUE_DESERIALIZATION,
    KafkaError.SECURITY_DISABLED,
    KafkaError.LOG_DIR_NOT_FOUND,
    KafkaError.DELEGATION_TOKEN_OWNER_MISMATCH,
    KafkaError.INVALID_PRINCIPAL_TYPE,
    KafkaError.NON_EMPTY_GROUP,
    KafkaError.GROUP_ID_NOT_FOUND,
    KafkaError.GROUP_SUBSCRIBED_TO_TOPIC,
    KafkaError.TOPIC_DELETION_DISABLED,
    KafkaError.PREFERRED_LEADER_NOT_AVAILABLE,
    KafkaError.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    KafkaError.ELECTION_NOT_NEEDED,
    KafkaError.NO_REASSIGNMENT_IN_PROGRESS,
    KafkaError.INCONSISTENT_VOTER_SET,
    KafkaError.INVALID_UPDATE_VERSION,
    KafkaError.FEATURE_UPDATE_FAILED,
    KafkaError.MISMATCHED_ENDPOINT_TYPE,
    KafkaError.UNSUPPORTED_ENDPOINT_TYPE,
    KafkaError.UNKNOWN_CONTROLLER_ID,
    KafkaError.UNKNOWN_SUBSCRIPTION_ID,
    KafkaError.TELEMETRY_TOO_LARGE,
    KafkaError.INVALID_REGISTRATION,
    KafkaError.INVALID_RECORD_STATE,
    KafkaError.SHARE_SESSION_NOT_FOUND,
    KafkaError.INVALID_SHARE_SESSION_EPOCH,
    KafkaError.SHARE_SESSION_LIMIT_REACHED,
    KafkaError.FENCED_STATE_EPOCH,
    KafkaError.INVALID_VOTER_KEY,
    KafkaError.DUPLICATE_VOTER,
    KafkaError.VOTER_NOT_FOUND,
    KafkaError.STREAMS_INVALID_TOPOLOGY,
    KafkaError.STREAMS_INVALID_TOPOLOGY_EPOCH,
    KafkaError.STREAMS_TOPOLOGY_FENCED,
}

EVERY = {name: code for name, code in vars(KafkaError).items() if name.lstrip("_").isupper() and isinstance(code, int)}


def test_every_error_code_of_the_binding_is_classified() -> None:
    assert len(EVERY) > 180
    placed = set.union(*GROUPS.values(), UNEXPECTED)
    assert {name for name, code in EVERY.items() if code not in placed} == set()


def test_no_code_is_in_two_groups() -> None:
    assert sum(map(len, GROUPS.values())) + len(UNEXPECTED) == len(set.union(*GROUPS.values(), UNEXPECTED))


def test_unexpected_error_codes_are_internal_errors() -> None:
    assert {type(error_from_kafka(KafkaError(code), "Doing")) for code in UNEXPECTED} == {InternalError}
