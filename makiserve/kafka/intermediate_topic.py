"""The intermediate topic of `--partition-by`: its name, and the keys that its records had in the input."""

from __future__ import annotations

import re

from makiserve.kafka.headers import decode_headers
from makiserve.kafka.message import Message, read_headers

INFIX = ".by-"


def intermediate_topic(group: str, field: str = "") -> str:
    """Return the intermediate topic of a group, or its beginning; characters that Kafka does not allow become hyphens.

    >>> intermediate_topic("makiserve.house.predictions", "house name")
    'makiserve.house.predictions.by-house-name'
    """
    return group + INFIX + re.sub(r"[^a-zA-Z0-9._-]", "-", field)


def input_key(message: Message) -> bytes | None:
    """Return the key that a record of the intermediate topic had in the input.

    A message that the first stage has not written keeps its own key.
    """
    added = decode_headers(read_headers(message).headers).values
    return added.get("key") if added and "digest" not in added else message.key()


def producer_key(message: Message) -> bytes | None:
    """Return the key that the producer of a message gave it, in any topic."""
    return input_key(message) if INFIX in message.topic() else message.key()
