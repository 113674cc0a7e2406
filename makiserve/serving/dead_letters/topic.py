"""What the topic of dead letters must be like."""

from __future__ import annotations

from makiserve.errors import ConfigurationError
from makiserve.kafka import TopicLimits
from makiserve.serving.messages import BARE_BYTES

SETTINGS = {"cleanup.policy": "delete"}
"""Of a topic that makiserve creates: on some clusters topics are compacted unless they are told not to be."""


def require_room(topic: str, limits: TopicLimits) -> None:
    """Refuse a topic that could not hold every dead letter.

    Raises:
        ConfigurationError: it is compacted, or takes only very small messages.
    """
    if limits.needs_key:
        raise ConfigurationError(
            f"the dead-letter topic {topic} is compacted: letters with the same key would be lost, and records without "
            "a key have no place in it. Set cleanup.policy=delete on it"
        )
    if limits.max_bytes < BARE_BYTES:
        raise ConfigurationError(
            f"the dead-letter topic {topic} takes messages of at most {limits.max_bytes:,} bytes, too few for a reason "
            f"and a traceback: set max.message.bytes to {BARE_BYTES:,} or more, best to that of the input"
        )
