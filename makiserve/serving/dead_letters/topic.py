"""Requirements on the dead-letter topic."""

from __future__ import annotations

from makiserve.errors import ConfigurationError
from makiserve.kafka import TopicLimits
from makiserve.serving.messages import BARE_BYTES

SETTINGS = {"cleanup.policy": "delete"}
"""Settings of a topic that makiserve creates. Explicit, because some clusters compact topics by default."""


def require_room(topic: str, limits: TopicLimits) -> None:
    """Raise if a topic cannot hold every dead letter.

    Raises:
        ConfigurationError: it is compacted or accepts only very small messages.
    """
    if limits.needs_key:
        raise ConfigurationError(
            f"the dead-letter topic {topic} is compacted: it would remove dead letters with the same key and refuse "
            "records without a key. Set cleanup.policy=delete on it"
        )
    if limits.max_bytes < BARE_BYTES:
        raise ConfigurationError(
            f"the dead-letter topic {topic} accepts messages of at most {limits.max_bytes:,} bytes, too few for a "
            f"reason and a traceback. Set max.message.bytes to {BARE_BYTES:,} or more, ideally to the input's value"
        )
