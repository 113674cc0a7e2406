"""Check the model, its environment, its state and the committed offsets."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

from makiserve.artifact import PackagedModel
from makiserve.errors import ConfigurationError, DecodeError, PipelineError, SchemaNotFound
from makiserve.kafka import OffsetsClient, registry_client, retry, schema_of
from makiserve.records import Schema
from makiserve.records.registry import retry as retry_registry
from makiserve.records.registry.schema_differences import first_difference
from makiserve.serving.output_format import OutputFormats
from makiserve.serving.preflight.runner import Finding, ServiceFacts
from makiserve.serving.state.offset_metadata import StateIdentity
from makiserve.serving.state.start_position import committed_position
from makiserve.serving.state.state_topic import check_state


def model(facts: ServiceFacts) -> Finding:
    """Check that the model loads and reproduces its reference outputs."""
    served = facts.model
    if isinstance(served, PackagedModel):
        return Finding(f"{served.uri} reproduces its {len(served.reference.outputs)} reference outputs")
    return Finding(f"{served.uri}, a pipeline without a model")


def environment(facts: ServiceFacts) -> Finding:
    """Check that the installed versions are those that the model was packaged with."""
    if not isinstance(facts.model, PackagedModel):
        return Finding("not recorded for a pipeline without a model")
    differences = facts.model.differences
    if not differences:
        return Finding("the same as in training")
    return Finding(f"{len(differences)} differences from training", "; ".join(differences))


def state(facts: ServiceFacts) -> Finding:
    """Check that the state of the pipeline can be saved and restored."""
    scorer = facts.model.scorer(is_tracked=True)
    if scorer.hidden:
        raise PipelineError(f"the state of the pipeline cannot be saved and restored: {'; '.join(scorer.hidden)}")
    if scorer.stateless:
        return Finding("the pipeline is stateless")
    if not facts.model.sample:
        return Finding("not tested, because a pipeline without a model has no reference records")
    check_state(scorer, facts.model.sample)
    return Finding(f"can be saved and restored, tested with {len(facts.model.sample)} records")


def output_schema(facts: ServiceFacts) -> Finding:
    """Check that the registry has the schema of the outputs, or accepts it and may register it."""
    return Finding(OutputFormats(facts.broker, facts.serving).check(facts.model))


def record_schema(facts: ServiceFacts) -> Finding:
    """Compare the record type with the newest schema of the input, field by field, and name the first difference.

    That is the schema of the subject TOPIC-value, or of the last message if the producers name subjects differently.
    """
    client, subject = registry_client(facts.broker), f"{facts.serving.input}-value"
    if client is None:
        return Finding("not compared, because no schema registry is configured")
    named = next(filter(None, map(schema_of, reversed(facts.sample))), None)
    what, ask = f"the newest schema of {subject}", partial(client.latest, subject)
    try:
        registered = retry_registry(ask, facts.broker.startup_timeout)
    except SchemaNotFound:
        if named is None:
            return Finding(f"not compared, because the schema registry has no subject {subject}")
        what = f"schema {named}, which the last message names"
        registered = retry_registry(partial(client.schema, named), facts.broker.startup_timeout)
    try:
        difference = first_difference(registered, Schema(facts.model.record))
    except DecodeError as error:
        raise ConfigurationError(f"{what} cannot be read: {error}") from error
    return Finding(f"{facts.model.record.__name__} is compared with {what}", difference or "")


CALL = timedelta(seconds=5)


def offsets(facts: ServiceFacts) -> Finding:
    """Check that the committed offsets belong to this pipeline, and that the records after them still exist."""
    topic, scorer = facts.topic(facts.serving.input), facts.model.scorer()
    plan = None if scorer.stateless else scorer.fingerprint
    expected = StateIdentity(plan, facts.model.digest, topic.partitions, topic.name)
    lookup, states = OffsetsClient(facts.connection, topic.name), Counter[str]()
    try:
        for number in range(topic.partitions):
            committed = retry(partial(lookup.committed, number, CALL), facts.broker.startup_timeout)
            if committed.offset is None:
                states["to start"] += 1
                continue
            ends = retry(partial(lookup.watermarks, number, CALL), facts.broker.startup_timeout)
            place = f"{topic.name}[{number}]"
            begun = committed_position(place, committed, ends, expected, facts.serving.on_state_loss, ends.low)
            states["to resume"] += 1
            states["records to catch up"] += ends.high - begun.committed
    finally:
        lookup.close()
    return Finding(", ".join(f"{count} {name}" for name, count in states.items()))
