"""The interface between a worker and what it does with its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from makiserve.errors import RecordError
from makiserve.kafka import Headers
from makiserve.monitoring.snapshot import Service
from makiserve.records import Schema
from makiserve.scoring import Dead, Scored
from makiserve.scoring.drift import Profile
from makiserve.scoring.scored import in_order
from makiserve.serving.batches import RecordSplitter, Slice
from makiserve.serving.messages import Draft, RecordOrigin
from makiserve.serving.state.restorer import Stateful
from makiserve.settings import BrokerSettings


class Processed(NamedTuple):
    """The outgoing messages of a batch, as parallel lists, and its dead letters.

    Attributes:
        causes: the index in the batch of the record that caused the message; never decreasing.
        drafts: the messages for the output topic.
        values: what was computed for each message, for the status page.
        dead: the records that have no output.
        models: for each record of the batch, the headers that name the model.
        origins: what messages take from a record, by index; those that are missing are not known yet.
        shadow: causes and messages for the shadow's topic.
        scored: the features and predictions, which drift is measured on; None if nothing was scored.
        encode_shadow: encodes the error that replaces a message that the shadow's topic refuses; None without a shadow.
    """

    causes: list[int]
    drafts: list[Draft]
    values: list[bytes]
    dead: Dead
    models: Sequence[Headers]
    origins: dict[int, RecordOrigin]
    shadow: Sequence[tuple[int, Draft]] = ()
    scored: Scored | None = None
    encode_shadow: Callable[[RecordError], bytes] | None = None

    def without(self, failed: Mapping[int, RecordError]) -> Processed:
        """Return a copy in which these records are dead letters; the shadow's messages for them remain."""
        if not failed:
            return self
        kept = [index for index, cause in enumerate(self.causes) if cause not in failed]
        return self._replace(
            causes=[self.causes[index] for index in kept],
            drafts=[self.drafts[index] for index in kept],
            values=[self.values[index] for index in kept],
            dead=in_order([self.dead, failed.items()]),
        )


class Processor(Stateful, RecordSplitter, Protocol):
    """What a worker does with the records of its partitions, such as scoring them or giving them another key."""

    @property
    def uri(self) -> str:
        """Its name in logs: the URI of the model, and what is done with it."""

    @property
    def schema(self) -> Schema:
        """The schema of the records."""

    @property
    def keeps_partition(self) -> bool:
        """Return whether an output goes to the partition of its record."""

    @property
    def model_version(self) -> str:
        """The model version that processes the records."""

    @property
    def digest(self) -> str:
        """The digest of the code that computes the state."""

    @property
    def fingerprint(self) -> str | None:
        """A fingerprint that changes if the shape of the state may have changed; None without state."""

    @property
    def profile(self) -> Profile | None:
        """The statistics that drift is measured against; None if there are none."""

    def service(self, broker: BrokerSettings) -> Service:
        """Return the description of the service for the status page."""

    def process(self, slices: Sequence[Slice]) -> tuple[list[Processed], float]:
        """Process slices; return their outgoing messages, and the time that a model took in seconds.

        It runs on a separate thread.
        """
