"""The check of where each partition would begin, and from which state."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

from makiserve.kafka import Lookup, insist
from makiserve.serving.preflight.run import Facts, Found
from makiserve.serving.state.beginning import Expected, next_beginning

CALL = timedelta(seconds=5)


def offsets(facts: Facts) -> Found:
    """What the group has committed belongs to this pipeline, and the records after it are still there."""
    topic, scorer = facts.topic(facts.serving.input), facts.model.scorer()
    plan = None if scorer.stateless else scorer.fingerprint
    expected = Expected(plan, facts.model.digest, topic.partitions, topic.name)
    lookup, states = Lookup(facts.connection, topic.name), Counter[str]()
    try:
        for number in range(topic.partitions):
            found = insist(partial(lookup.committed, number, CALL), facts.broker.patience)
            if found.offset is None:
                states["new"] += 1
                continue
            ends = insist(partial(lookup.watermarks, number, CALL), facts.broker.patience)
            place = f"{topic.name}[{number}]"
            begun = next_beginning(place, found, ends, expected, facts.serving.on_state_loss, ends.low)
            states["going on"] += 1
            states["records behind"] += ends.high - begun.committed
    finally:
        lookup.close()
    return Found(", ".join(f"{count} {name}" for name, count in states.items()))
