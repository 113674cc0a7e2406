"""The published output of a scored record: a JSON object with named fields, the same in serving and replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

import msgspec

from makiserve.errors import ArgumentError, ConfigurationError, DecodeError, EncodeError, RecordError, message_of
from makiserve.records import Record
from makiserve.scoring.output_parts import named, output_parts
from makiserve.scoring.plain import json_value
from makiserve.scoring.record_columns import named_columns
from makiserve.scoring.scored import Dead, Scored, in_order
from makiserve.scoring.unordered import column_without_sets, without_sets
from makiserve.stream.columns.column import Rows
from makiserve.stream.columns.items import ColumnItems, as_column

UNWRITABLE = (Exception,)
"""What an encoder raises on a value that its format cannot represent, or the value itself raises when it is read."""


class EncodedOutputs(NamedTuple):
    """The outputs of a batch: parallel lists, and the dead letters.

    Attributes:
        causes: the index in the batch of the record that caused the output; never decreasing.
        values: the encoded outputs.
        dead: the dead letters of the scoring, and the records with an output that cannot be encoded.
        shown: the outputs as JSON, to be shown to people; if they are published in another format, only the last ones,
            and empty bytes for the others.
    """

    causes: list[int]
    values: list[bytes]
    dead: Dead
    shown: list[bytes]

    def without(self, failed: Mapping[int, RecordError]) -> EncodedOutputs:
        """Return a copy in which these records are dead letters."""
        kept = [index for index, cause in enumerate(self.causes) if cause not in failed]
        return EncodedOutputs(
            [self.causes[index] for index in kept],
            [self.values[index] for index in kept],
            in_order([self.dead, failed.items()]),
            [self.shown[index] for index in kept],
        )


class Outputs:
    """The form of the outputs, compiled once.

    Without `emit` an output is `{"prediction": …}`, or the features for a pipeline without a model. The items that a
    post pipeline emits are published unchanged: an object with the names of its fields, or `{"prediction": …}` for a
    plain value.

    Args:
        record: the type of the records.
        emitted: the names of the features.
        emit: the parts to publish: `prediction`, `features`, `record`, or single fields of the latter two, such as
            `record.house`. `features` and `record` are each published as an object.
        has_model: whether there are predictions.
        has_post: whether a post pipeline decides what is published.

    Attributes:
        names: the names of an output's fields; empty if they are not known in advance.
        needs_records: whether the outputs contain parts of the records.
        needs_features: whether the outputs contain features.
        encode_object: the function that encodes an output, or a part of one, as JSON.
        format: the format in which outputs are published.

    Raises:
        ConfigurationError: `emit` names a part or field that does not exist.
    """

    def __init__(
        self, record: type[Record], emitted: Sequence[str], *, emit: Sequence[str] = (), has_model: bool, has_post: bool
    ) -> None:
        if emit and has_post:
            raise ConfigurationError(
                "the model has a post pipeline, which determines the output: --emit is only for models without one"
            )
        if "prediction" in emit and not has_model:
            raise ArgumentError("emit", "prediction", "a pipeline without a model has only features")
        self._columns = output_parts(emit or ("prediction",) * has_model, record, emitted)
        self.needs_records = "record" in self._columns
        self.needs_features = not has_post and (not self._columns or "features" in self._columns)
        self._whole = msgspec.defstruct("Output", list(self._columns), gc=False) if self._columns else None
        self.names = tuple(self._columns) if not has_post else ()
        self.encode_object: Callable[[Any], bytes] = msgspec.json.Encoder(enc_hook=json_value).encode
        self._use_format("JSON", self.encode_object, 0, self.encode_object)

    def in_format(
        self, name: str, encode: Callable[[Any], bytes], shown: int, shadow: Callable[[Any], bytes] | None = None
    ) -> Outputs:
        """Return the same form with outputs that are published in another format than JSON.

        Args:
            name: of the format, for error messages.
            encode: encodes an output; it raises one of `UNWRITABLE` if the format cannot represent it.
            shown: how many outputs of a batch are also encoded as JSON.
            shadow: encodes an object with the prediction of a shadow, or the error that replaces it; None without one.
        """
        other = copy(self)
        other._use_format(name, encode, shown, shadow or self.encode_object)  # noqa: SLF001  of the same class
        return other

    def objects(self, scored: Scored, records: Sequence[Record | DecodeError]) -> tuple[list[int], Sequence[Any]]:
        """Return the causes and the outputs of a batch; each output is a Struct, dataclass or dict for a JSON object.

        Features that are columns stay columns. Sets are sorted lists.

        Args:
            scored: the result of scoring the batch.
            records: the records of the batch.
        """
        if scored.posted is not None:
            return scored.posted.causes, without_sets(named(scored.posted.items, "prediction"))
        if self._whole is None:
            return scored.causes, without_sets(named(scored.features, "value"))
        columns = {
            name: column_without_sets(as_column(column(scored, records))) for name, column in self._columns.items()
        }
        return scored.causes, ColumnItems(Rows(self._whole, tuple(columns), tuple(columns.values())))

    def encode(self, scored: Scored, records: Sequence[Record | DecodeError]) -> EncodedOutputs:
        """Return the outputs of a batch as they are published.

        If one output of a record cannot be encoded, the whole record is a dead letter.
        """
        causes, objects = self.objects(scored, records)
        encode = self._publish
        try:
            values = [encode(item) for item in objects]
            return EncodedOutputs(causes, values, scored.dead, self._shown(values, objects))
        except UNWRITABLE:
            failed = self._failed(causes, objects)
            if not failed:
                raise
            return self.encode(scored.without(failed), records)

    def writable(self, scored: Scored, records: Sequence[Record | DecodeError]) -> Scored:
        """Return the batch with the same dead letters as `encode`, for callers that do not write JSON."""
        if self._is_writable(scored):
            return scored
        causes, objects = self.objects(scored, records)
        try:
            self.encode_object(list(objects))
        except UNWRITABLE:
            return scored.without(self._failed(causes, objects))
        return scored

    def encode_shadow(self, prediction: Any) -> bytes:
        """Return a shadow model's prediction as it is published, or the reason why there is none."""
        if isinstance(prediction, RecordError):
            return self._publish_shadow({"error": str(prediction)})
        try:
            return self._publish_shadow(*without_sets([{"prediction": prediction}]))
        except UNWRITABLE as error:
            return self._publish_shadow({"error": self._unwritable(error)})

    def _is_writable(self, scored: Scored) -> bool:
        """Return whether JSON can represent all outputs, as far as their types show."""
        if scored.posted is not None or self.needs_records:
            return False
        features = named_columns(scored.features) if self.needs_features else {}
        return (
            features is not None
            and all(column.is_typed for column in features.values())
            and set(map(type, scored.predictions)) <= {float, bool, type(None)}
        )

    def _use_format(
        self, name: str, encode: Callable[[Any], bytes], shown: int, shadow: Callable[[Any], bytes]
    ) -> None:
        self.format, self._publish, self._shown_count, self._publish_shadow = name, encode, shown, shadow

    def _shown(self, values: list[bytes], objects: Sequence[Any]) -> list[bytes]:
        if self._publish is self.encode_object:
            return values
        first = max(0, len(objects) - self._shown_count)
        return [b""] * first + [self.encode_object(item) for item in list(objects)[first:]]

    def _unwritable(self, error: Exception) -> str:
        return f"the output cannot be written as {self.format}: {message_of(error)}"

    def _failed(self, causes: list[int], objects: Sequence[Any]) -> dict[int, RecordError]:
        """Return the records with an output that cannot be encoded, each with its error."""
        failed: dict[int, RecordError] = {}
        for cause, item in zip(causes, objects, strict=True):
            try:
                self._publish(item)
            except UNWRITABLE as error:
                failed.setdefault(cause, EncodeError(self._unwritable(error)))
        return failed
