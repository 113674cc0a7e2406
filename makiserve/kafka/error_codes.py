"""Kafka's error codes: what each means, and what a person can do about it."""

from __future__ import annotations

from typing import Literal

from confluent_kafka import KafkaError

# ruff: noqa: SLF001  librdkafka's own codes begin with an underscore but are public

# Codes of Kafka's protocol for which confluent-kafka has names since 2.15.
INCONSISTENT_TOPIC_ID = 103
TRANSACTION_ABORTABLE = 120

_CREDENTIALS = "check security.protocol, sasl.mechanism and the credentials"
_GRANT = "grant the principal"
_OFFSET_GONE = "retention has removed records that were not processed yet: choose where to continue"
_BY_HAND = "create the topic"
_DAMAGED = "the partition's log is damaged, or in a format that this client cannot read: choose where to continue"
_RESOURCES = "give the process more memory, threads or disk"
_KEYLESS = (
    "a compacted topic does not accept a message without a key: set cleanup.policy=delete, or give every record a key"
)
_METADATA = "raise offset.metadata.max.bytes of the brokers"

REFUSED = {
    KafkaError._AUTHENTICATION: _CREDENTIALS,
    KafkaError.SASL_AUTHENTICATION_FAILED: _CREDENTIALS,
    KafkaError.UNSUPPORTED_SASL_MECHANISM: _CREDENTIALS,
    KafkaError.ILLEGAL_SASL_STATE: _CREDENTIALS,
    KafkaError.UNACCEPTABLE_CREDENTIAL: _CREDENTIALS,
    KafkaError.PRINCIPAL_DESERIALIZATION_FAILURE: _CREDENTIALS,
    KafkaError.DELEGATION_TOKEN_AUTH_DISABLED: _CREDENTIALS,
    KafkaError.DELEGATION_TOKEN_NOT_FOUND: _CREDENTIALS,
    KafkaError.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: _CREDENTIALS,
    KafkaError.DELEGATION_TOKEN_AUTHORIZATION_FAILED: _CREDENTIALS,
    KafkaError.DELEGATION_TOKEN_EXPIRED: _CREDENTIALS,
    KafkaError._SSL: "check the ssl.* options and certificates",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: f"{_GRANT} Read on the input topic, Write on the output topics, and both "
    "on the state topic (makiserve check reports which one is missing)",
    KafkaError.GROUP_AUTHORIZATION_FAILED: f"{_GRANT} Read on the group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: f"{_GRANT} Write on the transactional id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: f"{_GRANT} Create on the cluster, or create the topics in advance",
    KafkaError._INVALID_ARG: "correct the option",
    KafkaError.INVALID_CONFIG: "correct the topic's settings",
    KafkaError.INVALID_TRANSACTION_TIMEOUT: "lower transaction.timeout.ms to the broker's transaction.max.timeout.ms",
    KafkaError.INVALID_SESSION_TIMEOUT: "choose a session.timeout.ms within the broker's bounds",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "another application uses this group: choose another --group",
    KafkaError.INVALID_GROUP_ID: "choose another --group",
    KafkaError.GROUP_MAX_SIZE_REACHED: "start fewer workers, or raise group.max.size of the brokers",
    KafkaError.UNSUPPORTED_ASSIGNOR: "the broker is too old",
    KafkaError.INVALID_REQUIRED_ACKS: "remove the property acks: transactions require acks=all",
    KafkaError.OFFSET_METADATA_TOO_LARGE: _METADATA,
    KafkaError.INVALID_COMMIT_OFFSET_SIZE: _METADATA,
    KafkaError.INVALID_REPLICATION_FACTOR: "the cluster has too few brokers for the topic's replication factor",
    KafkaError.INVALID_PARTITIONS: _BY_HAND,
    KafkaError.INVALID_REPLICA_ASSIGNMENT: _BY_HAND,
    KafkaError.POLICY_VIOLATION: _BY_HAND + ", as the cluster's policy requires",
    KafkaError.MSG_SIZE_TOO_LARGE: "raise max.message.bytes of the topic, and message.max.bytes in the Kafka "
    "properties",
    KafkaError.INVALID_MSG_SIZE: "raise max.message.bytes of the topic",
    KafkaError.RECORD_LIST_TOO_LARGE: "raise segment.bytes of the topic",
    KafkaError.INVALID_TIMESTAMP: "raise message.timestamp.after.max.ms of the topic if the time is in the future, "
    "message.timestamp.before.max.ms if it is in the past",
    KafkaError.INVALID_RECORD: _KEYLESS,
    KafkaError._INVALID_DIFFERENT_RECORD: _KEYLESS,
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE: "choose another compression.type",
    KafkaError.UNSUPPORTED_VERSION: "the broker is too old",
    KafkaError._UNSUPPORTED_FEATURE: "the broker is too old",
}
"""A person must act, whatever the flags. A denied topic is flagged "abort" and would be retried forever."""

MISSING = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "create the topic",
    KafkaError._UNKNOWN_TOPIC: "create the topic",
    KafkaError._UNKNOWN_PARTITION: "create the topic with this many partitions",
    KafkaError.TOPIC_EXCEPTION: "correct the topic's name",
    KafkaError._AUTO_OFFSET_RESET: _OFFSET_GONE,
    KafkaError.OFFSET_OUT_OF_RANGE: _OFFSET_GONE,
    KafkaError._LOG_TRUNCATION: "an unclean leader election has removed records that were processed: choose where "
    "to continue",
    KafkaError._BAD_MSG: _DAMAGED,
    KafkaError._BAD_COMPRESSION: _DAMAGED,
    KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT: _DAMAGED,
    KafkaError._CRIT_SYS_RESOURCE: _RESOURCES,
    KafkaError._FS: _RESOURCES,
}
"""A person must act, unless a flag of the error decides otherwise: an unknown topic may have just been created."""

UNTAKEN: dict[int, Literal["size", "time", "record"]] = {
    KafkaError.MSG_SIZE_TOO_LARGE: "size",
    KafkaError.INVALID_MSG_SIZE: "size",
    KafkaError.RECORD_LIST_TOO_LARGE: "size",
    KafkaError.INVALID_TIMESTAMP: "time",
    KafkaError.INVALID_RECORD: "record",
    KafkaError._INVALID_DIFFERENT_RECORD: "record",
}
"""The property of a message that its topic refuses, by error code.

The broker refuses the whole batch, and librdkafka does not report which message caused this.
"""

FENCING = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
    KafkaError.INVALID_PRODUCER_ID_MAPPING,
    KafkaError.INVALID_TXN_STATE,
    KafkaError.TRANSACTION_COORDINATOR_FENCED,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.UNRELEASED_INSTANCE_ID,
    KafkaError._FATAL,  # every call fails with this after a client has had one of the others
}
"""Another instance has taken over."""

LOST_GENERATION = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError.FENCED_MEMBER_EPOCH,
    KafkaError._ASSIGNMENT_LOST,
}
"""The group has moved on without this member."""

UNDELIVERED = {
    KafkaError._MSG_TIMED_OUT,
    KafkaError._GAPLESS_GUARANTEE,
    KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
    KafkaError.DUPLICATE_SEQUENCE_NUMBER,
    KafkaError.UNKNOWN_PRODUCER_ID,
    TRANSACTION_ABORTABLE,
}
"""A record of the transaction is not in the log."""

PASSING = {
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._WAIT_COORD,
    KafkaError._WAIT_CACHE,
    KafkaError._RETRY,
    KafkaError._INTR,
    KafkaError._QUEUE_FULL,
    KafkaError._ISR_INSUFF,
    KafkaError._NOENT,  # a request for offsets found no leader: one is being elected
    KafkaError._UNKNOWN_BROKER,
    KafkaError._MAX_POLL_EXCEEDED,  # the next poll rejoins the group
    KafkaError.UNKNOWN,  # an unexpected error in the broker; the caller limits the retries
    KafkaError.INVALID_MSG,  # a checksum failed in transit
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.BROKER_NOT_AVAILABLE,
    KafkaError.LISTENER_NOT_FOUND,
    KafkaError.REBOOTSTRAP_REQUIRED,
    KafkaError.STALE_CTRL_EPOCH,
    KafkaError.STALE_BROKER_EPOCH,
    KafkaError.REASSIGNMENT_IN_PROGRESS,
    KafkaError.FETCH_SESSION_ID_NOT_FOUND,
    KafkaError.INVALID_FETCH_SESSION_EPOCH,
    KafkaError.UNKNOWN_TOPIC_ID,
    INCONSISTENT_TOPIC_ID,
    KafkaError.MEMBER_ID_REQUIRED,
    KafkaError.NOT_CONTROLLER,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.CONCURRENT_TRANSACTIONS,
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.NOT_ENOUGH_REPLICAS,
    KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KafkaError.THROTTLING_QUOTA_EXCEEDED,
}
"""The error is temporary."""

UNFINISHED = KafkaError._CONFLICT
"""A call was made before another one had finished. It is flagged "retriable" but would never succeed."""

UNREADABLE = {KafkaError._BAD_MSG, KafkaError._BAD_COMPRESSION}
"""A batch that was read is damaged, or decompresses to more than receive.message.max.bytes."""

NOT_STARTED = KafkaError._STATE
"""A seek in a partition whose assignment has not taken effect yet."""

PURGED = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT}
"""The delivery error of each record that an abort discards."""

NO_BROKER = KafkaError._ALL_BROKERS_DOWN
END_OF_PARTITION = KafkaError._PARTITION_EOF
EXISTS = KafkaError.TOPIC_ALREADY_EXISTS
