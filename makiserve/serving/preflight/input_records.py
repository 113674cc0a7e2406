"""Check the records that are in the input now, and their retention."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from makiserve.errors import ConfigurationError, DecodeError
from makiserve.kafka import Message, limits_from_settings
from makiserve.records import Record, RecordFile, Schema
from makiserve.records.unseen import UnseenFields
from makiserve.serving.messages import Outgoing, Times, origin, refusal
from makiserve.serving.preflight.cluster import retention_of
from makiserve.serving.preflight.runner import Finding, ServiceFacts
from makiserve.serving.state.warmup_file import WarmupFile
from makiserve.settings.text import text_from_value
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.ops.group_by import GroupBy

SKEW = timedelta(minutes=1)
"""Maximum difference between the clocks of two machines."""

FARTHEST_S = 1e12
YEARS = timedelta(days=3653)

TROUBLES = {
    "record": "records would become dead letters: their key and headers are too large, or the topic requires a key",
    "time": "records have a timestamp that the topic refuses: their outputs get the current time, and the original "
    "in the header makiserve.time. Raise message.timestamp.after.max.ms, or correct the producer",
    "headers": "records have headers that will be dropped, because their names are not UTF-8",
}
"""Problems of outputs with their topic, by kind."""


def fit(facts: ServiceFacts) -> Finding:
    """Check that the last records of the input fit the record type and contain each of its optional fields."""
    decoded = [result for _, result in _decoded(facts)]
    errors = [result for result in decoded if isinstance(result, DecodeError)]
    if not decoded:
        return Finding("the input is empty")
    record = facts.model.record.__name__
    if len(errors) == len(decoded):
        raise ConfigurationError(f"none of the last {len(decoded)} records fits {record}; the last error: {errors[-1]}")
    advice = [f"{len(errors)} would become dead letters; the last error: {errors[-1]}"] if errors else []
    unseen = UnseenFields(Schema(facts.model.record))
    facts.decoder.mark_seen(facts.sample, unseen)
    if unseen.names:
        names = ", ".join(sorted(map(repr, unseen.names)))
        advice.append(
            f"none contains the optional field {names}, which keeps its default: compare its name with the data"
        )
    return Finding(f"{len(decoded) - len(errors)} of the last {len(decoded)} records fit {record}", "; ".join(advice))


def warm_up(facts: ServiceFacts) -> Finding:
    """Check that each partition has a file of `--warm-up`, and that its first records fit the record type."""
    pattern, scorer = facts.serving.warm_up_file, facts.model.scorer(is_tracked=True)
    if pattern is None or scorer.stateless:
        return Finding("no file, or no state to fill")
    schema = Schema(facts.model.record, facts.serving.na_values or None)
    partitions = facts.topic(facts.serving.input).partitions
    files = WarmupFile(pattern, partitions, schema, scorer)
    paths = sorted({files.path(number) for number in range(partitions)})
    first = [row for path in paths for row in next(iter(RecordFile(path, schema)), [])]
    errors = [row for row in first if isinstance(row, DecodeError)]
    advice = f"{len(errors)} do not fit and are left out, the first: {errors[0]}" if errors else ""
    names = ", ".join(map(str, paths[:3])) + ", …" * (len(paths) > 3)
    return Finding(f"{len(first) - len(errors)} of the first {len(first)} records of {names} fit", advice)


def keys(facts: ServiceFacts) -> Finding:
    """Check that all records of a group are in one partition, because each partition has separate state."""
    if facts.serving.partition_by:
        return Finding(f"repartitioned: records with the same {facts.serving.partition_by} will share a partition")
    plan = facts.model.plan
    at = next((index for index, operator in enumerate(plan.operators) if isinstance(operator, GroupBy)), None)
    if at is None:
        return Finding("the pipeline has no group_by: each partition is one stream")
    by_partition: dict[int, list[tuple[Message, Record]]] = defaultdict(list)
    for message, record in _decoded(facts):
        if not isinstance(record, DecodeError):
            by_partition[message.partition()].append((message, record))
    partitions, names = _groups(plan, at, by_partition)
    spread = [key for key, numbers in partitions.items() if len(numbers) > 1]
    if spread:
        raise ConfigurationError(
            f"group {spread[0]!r} has records in partitions {sorted(partitions[spread[0]])}, and so have "
            f"{len(spread) - 1} other groups. Each partition would keep separate state for it. Produce the "
            "records with the key that group_by uses, or repartition them: --partition-by FIELD"
        )
    mixed = [key for key, messages in names.items() if len(messages) > 1 or None in messages]
    advice = (
        f"the messages of group {mixed[0]!r} do not all have the same key, so they can be in several partitions"
        if mixed
        else ""
    )
    return Finding(
        f"{len(partitions)} groups in the last records, each in one partition", advice if len(by_partition) > 1 else ""
    )


def retention(facts: ServiceFacts) -> Finding:
    """Check that the input is retained for as long as state may have to be rebuilt from it."""
    topic = facts.topic(facts.serving.input)
    window, time_kept = _longest_window(facts.model.plan), retention_of(topic)
    if time_kept is None:
        return Finding("retention by time is unlimited")
    words = f"records are retained for {_text(time_kept)}"
    warm_up = facts.serving.warm_up_span
    if warm_up and warm_up > time_kept:
        raise ConfigurationError(f"{words}, but --warm-up needs {_text(warm_up)}: raise retention.ms")
    if window and window > time_kept:
        return Finding(
            words, f"a window or ttl of {_text(window)} could not be rebuilt from them if its state were lost"
        )
    newest = max((message.timestamp()[1] for message in facts.sample), default=None)
    if newest is not None and (age := _age(newest)) > time_kept:
        return Finding(
            words, f"the newest record is {_text(age)} old and can be removed before it is read. Set retention.ms=-1"
        )
    return Finding(words)


def clock(facts: ServiceFacts) -> Finding:
    """Check that the producers' clocks agree with this one: no record is from the future."""
    times = [message.timestamp()[1] for message in facts.sample]
    if not times:
        return Finding("the input is empty")
    ahead = [time_ms for time_ms in times if _age(time_ms) < -SKEW]
    if ahead:
        return Finding(
            f"{len(ahead)} of the last {len(times)} records have timestamps in the future",
            f"{_ahead(max(ahead))}: outputs get the current time if their topic refuses that timestamp",
        )
    return Finding(f"the newest record is {_text(max(_age(max(times)), timedelta(0)))} old")


def outputs(facts: ServiceFacts) -> Finding:
    """Check that the output topic accepts the keys, headers and timestamps of the last records, which outputs keep."""
    name = facts.serving.output
    limits, now_ms = limits_from_settings(facts.topic(name).settings), int(time.time() * 1000)
    times, counts = Times(*limits.times(now_ms), now_ms), Counter[str]()
    for message in facts.sample:
        record = origin(message)
        headers = times.fit(record.time_ms)[1]
        empty = Outgoing(name, message.partition(), record.key, b"", [*record.headers, record.source], now_ms)
        counts["time"] += bool(headers)
        counts["record"] += refusal(empty, limits) is not None
        counts["headers"] += record.dropped
    advice = "; ".join(f"{count} of the last {words}" for kind, words in TROUBLES.items() if (count := counts[kind]))
    takes = f"accepts messages of up to {limits.max_bytes:,} bytes" + ", only with a key" * limits.needs_key
    return Finding(f"{name} {takes}", advice)


def _age(time_ms: int) -> timedelta:
    """Return the age of a record, limited to about 30,000 years for impossible timestamps."""
    return timedelta(seconds=max(-FARTHEST_S, min(FARTHEST_S, time.time() - time_ms / 1000)))


def _ahead(time_ms: int) -> str:
    """Describe a timestamp in the future."""
    for unit, per_ms in (("microseconds", 1_000), ("nanoseconds", 1_000_000)):
        if abs(_age(time_ms // per_ms)) < YEARS:
            return f"the timestamp {time_ms} is in {unit}: the producer must write milliseconds since 1970"
    if -_age(time_ms) > YEARS:
        return f"the timestamp {time_ms} is more than ten years ahead: the producer must write milliseconds since 1970"
    return f"a record is {_text(-_age(time_ms))} in the future: correct the clock of this machine or of its producer"


def _decoded(facts: ServiceFacts) -> list[tuple[Message, Record | DecodeError]]:
    return list(zip(facts.sample, facts.decoder.decode(facts.sample).records, strict=True))


def _groups(
    plan: Plan, at: int, by_partition: dict[int, list[tuple[Message, Record]]]
) -> tuple[dict[Any, set[int]], dict[Any, set[bytes | None]]]:
    """Return the partitions and the message keys of each group."""
    group_by, program = plan.operators[at], Program(Plan(plan.operators[:at]))
    assert isinstance(group_by, GroupBy)  # noqa: S101  as found
    partitions: dict[Any, set[int]] = defaultdict(set)
    names: dict[Any, set[bytes | None]] = defaultdict(set)
    for number, pairs in by_partition.items():
        fed = program.feed([record for _, record in pairs], program.new_state())
        for cause, item in zip(fed.causes, fed.outputs, strict=True):
            try:
                key = group_by.key_mapper(item)
                partitions[key].add(number)
            except KeyboardInterrupt:
                raise
            except BaseException:  # noqa: BLE001, S112  the user's function: its record will be a dead letter
                continue
            names[key].add(pairs[cause][0].key())
    return partitions, names


def _longest_window(plan: Plan) -> timedelta:
    """Return the longest span of event time that an operator remembers."""
    spans = (
        value
        for operator in plan.walk()
        for name, value in operator.parameters().items()
        if name in ("window_ms", "ttl_ms")
    )
    return timedelta(milliseconds=max(spans, default=0))


def _text(duration: timedelta) -> str:
    """Format a duration without fractions of a second, unless it is shorter than one."""
    return text_from_value(timedelta, duration - duration % timedelta(seconds=1) or duration)
