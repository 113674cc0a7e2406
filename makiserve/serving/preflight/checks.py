"""The list of checks, in the order in which they run."""

from __future__ import annotations

from makiserve.serving.preflight import cluster, input_records, model
from makiserve.serving.preflight.runner import Check

CHECKS = (
    Check("model", model.model),
    Check("environment", model.environment, ("model",)),
    Check("state", model.state, ("model",)),
    Check("broker", cluster.broker),
    Check("schema registry", cluster.schema_registry),
    Check("record schema", model.record_schema, ("model", "schema registry")),
    Check("output schema", model.output_schema, ("model", "schema registry")),
    Check("names", cluster.names),
    Check("input", cluster.input_, ("broker", "names")),
    Check("output", cluster.output, ("input",)),
    Check("shadow", cluster.shadow, ("input",)),
    Check("dead letters", cluster.dead_letters, ("input",)),
    Check("state topic", cluster.state_topic_, ("model", "input")),
    Check("group", cluster.group, ("broker",)),
    Check("transactions", cluster.transactions, ("broker",)),
    Check("records", input_records.fit, ("model", "input", "schema registry")),
    Check("warm-up", input_records.warm_up, ("model", "input")),
    Check("keys", input_records.keys, ("model", "records")),
    Check("retention", input_records.retention, ("model", "input")),
    Check("outputs", input_records.outputs, ("output",)),
    Check("clock", input_records.clock, ("input",)),
    Check("offsets", model.offsets, ("model", "input", "group")),
)
