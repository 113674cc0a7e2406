"""The list of checks, in the order in which they run."""

from __future__ import annotations

from makiserve.serving.preflight import model, records, topics
from makiserve.serving.preflight.runner import Check

CHECKS = (
    Check("model", model.model),
    Check("environment", model.environment, ("model",)),
    Check("state", model.state, ("model",)),
    Check("broker", topics.broker),
    Check("schema registry", topics.schema_registry),
    Check("record schema", model.record_schema, ("model", "schema registry")),
    Check("output schema", model.output_schema, ("model", "schema registry")),
    Check("names", topics.names),
    Check("input", topics.input_, ("broker", "names")),
    Check("output", topics.output, ("input",)),
    Check("shadow", topics.shadow, ("input",)),
    Check("dead letters", topics.dead_letters, ("input",)),
    Check("state topic", topics.state_topic_, ("model", "input")),
    Check("group", topics.group, ("broker",)),
    Check("transactions", topics.transactions, ("broker",)),
    Check("records", records.fit, ("model", "input", "schema registry")),
    Check("warm-up", records.warm_up, ("model", "input")),
    Check("keys", records.keys, ("model", "records")),
    Check("retention", records.retention, ("model", "input")),
    Check("outputs", records.outputs, ("output",)),
    Check("clock", records.clock, ("input",)),
    Check("offsets", model.offsets, ("model", "input", "group")),
)
