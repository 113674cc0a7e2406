"""Score records: the processor that serves a model."""

from __future__ import annotations

from collections.abc import Sequence

from makiserve.kafka import Headers, Message
from makiserve.kafka.headers import model_headers
from makiserve.monitoring.snapshot import Service
from makiserve.records import Schema
from makiserve.scoring import Batch, Lane, Scored, Scorer, Served
from makiserve.scoring.drift import Profile
from makiserve.serving.batches import Slice
from makiserve.serving.messages import Draft, RecordOrigin, input_origin, origin, without_schema
from makiserve.serving.output_events import OutputEvents
from makiserve.serving.output_format import OutputFormats
from makiserve.serving.processor import Processed
from makiserve.serving.rollout.scorers import Scorers
from makiserve.serving.state.warmup_file import WarmupFile
from makiserve.serving.telemetry.description import describe_service
from makiserve.settings import BrokerSettings, ServeSettings
from makiserve.stream.columns.engine_choice import AnyCheckpoints, Engine


class ScoringProcessor:
    """Scores records with a model, its challenger and its shadow; a `Processor`.

    Args:
        model: the packaged model, already verified with its reference records.
        settings: input and output topics, and how to serve.
        formats: the format of the outputs; None for plain JSON.
    """

    keeps_partition = True

    def __init__(self, model: Served, settings: ServeSettings, formats: OutputFormats | None = None) -> None:
        self._settings, self._formats = settings, formats
        self.schema = Schema(model.record, settings.na_values or None)
        self._scorers = Scorers(model)
        self._events = OutputEvents(settings)
        self._origin = input_origin if settings.partition_by else origin
        self._use(model)

    @property
    def model(self) -> Served:
        """The model version that scores."""
        return self._scorers.model

    @property
    def scorer(self) -> Scorer:
        """The scorer of that version."""
        return self._scorers.now

    @property
    def uri(self) -> str:
        return self.model.uri

    @property
    def model_version(self) -> str:
        return self._scorers.model_version

    @property
    def digest(self) -> str:
        return self.model.digest

    @property
    def fingerprint(self) -> str | None:
        return None if self.scorer.stateless else self.scorer.fingerprint

    @property
    def checkpoints(self) -> tuple[AnyCheckpoints, ...]:
        return self.scorer.checkpoints

    @property
    def keys(self) -> Engine | None:
        return self.scorer.keys

    @property
    def profile(self) -> Profile | None:
        return self.model.profile

    def service(self, broker: BrokerSettings) -> Service:
        return describe_service(self.model, self.scorer.plans, broker, self._settings)

    def switch(self, model: Served) -> None:
        """Use other versions of the same pipeline for further records."""
        self._scorers.switch(model)
        self._use(model)

    def new_lane(self) -> Lane:
        return self.scorer.new_lane()

    def warm_up_file(self, pattern: str, partitions: int) -> WarmupFile:
        """Return the file of records that precede those of the input; see `WarmupFile`."""
        return WarmupFile(pattern, partitions, self.schema, self.model.scorer(is_tracked=True))

    @property
    def has_challenger(self) -> bool:
        return self.scorer.has_challenger

    def challenged(
        self, keys: Sequence[bytes | None] | None, place: str, offsets: Sequence[int]
    ) -> Sequence[bool] | None:
        return self.scorer.challenged(keys, place, offsets)

    def rebuild(self, batch: Batch) -> None:
        self.scorer.rebuild(batch)

    def rebuilder(self, model_version: str) -> Scorer | None:
        return self._scorers.for_version(model_version)

    def process(self, slices: Sequence[Slice]) -> tuple[list[Processed], float]:
        scored_batches, model_s = self.scorer.score_timed([slice_.batch for slice_ in slices])
        pairs = zip(slices, scored_batches, strict=True)
        return [self.processed(slice_.messages, slice_.batch, scored) for slice_, scored in pairs], model_s

    def processed(self, messages: list[Message], batch: Batch, scored: Scored) -> Processed:
        """Return the outgoing messages of a scored batch.

        Outputs keep the key and headers of their record. Additional headers name the model that made the output.
        """
        models, origins = self._models(batch), dict[int, RecordOrigin]()
        number = messages[0].partition() if messages else 0

        def record_of(cause: int) -> RecordOrigin:
            record = origins.get(cause)
            if record is None:
                record = origins[cause] = self._origin(messages[cause])
            return without_schema(record)

        encoded = self._outputs.encode(scored, batch.records)
        causes = encoded.causes
        records = self._events.origins(list(map(record_of, causes)), [messages[cause] for cause in causes])
        drafts = [
            Draft(record, number, record.key, value, models[cause])
            for cause, value, record in zip(causes, encoded.values, records, strict=True)
        ]
        shadow, encode = [], None
        if scored.shadow and self._settings.shadow_output is not None:
            encode, headers = self._outputs.encode_shadow, self._shadow_headers
            for cause, prediction in scored.shadow:
                record = record_of(cause)
                shadow.append((cause, Draft(record, number, record.key, encode(prediction), headers)))
        return Processed(encoded.causes, drafts, encoded.shown, encoded.dead, models, origins, shadow, scored, encode)

    def _use(self, model: Served) -> None:
        champion, (challenger, _, shadow) = model_headers(model), model.companions
        self._outputs = self._formats.outputs(model) if self._formats else model.outputs()
        self._headers = (champion, model_headers(challenger) if challenger else champion)
        self._shadow_headers = model_headers(shadow) if shadow else []

    def _models(self, batch: Batch) -> Sequence[Headers]:
        champion, challenger = self._headers
        if batch.challenged is None:
            return [champion] * len(batch.records)
        return [challenger if is_challenged else champion for is_challenged in batch.challenged]
