"""The type of a service's outputs, for formats with a schema.

What the pipeline and the record declare counts; the outputs of the reference records show the rest, such as the type of
a prediction. A float is declared or seen once: whole numbers do not make an integer of it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec
import numpy as np
import pandas as pd
from msgspec import Meta

from makiserve.errors import ConfigurationError, RecordError
from makiserve.records.emitted_fields import declared_types, field_names
from makiserve.scoring.plain import plain
from makiserve.scoring.scored import Batch
from makiserve.scoring.served import Served

UNKNOWN = (Any, object, datetime, tuple, list, dict)
"""Declarations that do not determine a type; whether a datetime has a time zone, only its values show."""


class SampleOutputs(NamedTuple):
    """The outputs of a model's reference records.

    Attributes:
        items: the outputs; empty without reference records.
        features: the type of the items that the pipeline emits; None if it emits none.
        shadow: the predictions of the shadow; empty without one.
    """

    items: list[Any]
    features: type | None
    shadow: Sequence[Any] = ()


def sample_outputs(model: Served) -> SampleOutputs:
    """Score the reference records, with the challenger too if there is one."""
    scorer, outputs, records = model.scorer(), model.outputs(), model.sample
    items: list[Any] = []
    features: type | None = None
    shadow: list[Any] = []
    for is_challenged in (False, True) if scorer.has_challenger else (False,):
        challenged = [is_challenged] * len(records) if scorer.has_challenger else None
        (scored,) = scorer.score([Batch(scorer.new_lane(), records, challenged)])
        items += outputs.objects(scored, records)[1]
        features = type(scored.features[0]) if scored.features else features
        shadow += [prediction for _, prediction in scored.shadow or () if not isinstance(prediction, RecordError)]
    return SampleOutputs(items, features, shadow)


def output_type(sample: SampleOutputs, name: str, model: str, *, is_json: bool) -> type[msgspec.Struct]:
    """Return the type of outputs.

    Args:
        sample: outputs.
        name: of the type.
        model: the name of the model, for the descriptions.
        is_json: whether the format is JSON, which has no NaN, so that any number of floating point may be null.

    Raises:
        ConfigurationError: the type of a field cannot be determined.
    """
    _require(sample.items, model)
    parts = {
        "prediction": f"The prediction of {model}.",
        "features": f"The features that {model} predicted from.",
        "record": "The record that was scored.",
    }
    declared = {"features": sample.features or Any}
    return _Types(is_json).struct(name, sample.items, declared, f"An output of {model}.", parts)


def shadow_type(predictions: Sequence[Any], name: str, model: str, *, is_json: bool) -> type[msgspec.Struct]:
    """Return the type of what is published for a shadow: its prediction, or the error that replaces it.

    Args:
        predictions: predictions of the shadow.
        name: of the type.
        model: the name of the shadow, for the descriptions.
        is_json: as for `output_type`.

    Raises:
        ConfigurationError: the type of the prediction cannot be determined.
    """
    _require(predictions, model)
    items = [*({"prediction": prediction} for prediction in predictions), {"error": ""}]
    parts = {"prediction": f"The prediction of {model}.", "error": "The reason for a missing prediction."}
    return _Types(is_json).struct(name, items, {}, f"A prediction of {model} as a shadow.", parts)


def _require(sample: Sequence[Any], model: str) -> None:
    if not sample:
        raise ConfigurationError(
            f"{model} has no reference records with an output, so the types of its outputs are unknown. Package it "
            "with makiserve.log_model(…, reference=…), or use --output-format json"
        )


def native(value: Any) -> Any:
    """Convert a value of numpy or pandas to Python's own type; like `plain`, but times remain times."""
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime(warn=False)
    return plain(value)


class _Types:
    """Finds types of values."""

    def __init__(self, is_json: bool) -> None:
        self._is_json = is_json

    def struct(
        self,
        name: str,
        items: Sequence[Any],
        declared: Mapping[str, Any],
        doc: str = "",
        parts: Mapping[str, str] = types.MappingProxyType({}),
    ) -> type[msgspec.Struct]:
        """Return the type of items with named fields.

        Args:
            name: of the type.
            items: the items.
            declared: the types of fields for which the items do not declare one.
            doc: the description of the type.
            parts: descriptions of fields.
        """
        rows = [_fields(item) for item in items]
        titles = list(dict.fromkeys(chain.from_iterable(rows)))
        hints = dict(declared)
        for kind in set(map(type, items)):
            hints |= {title: hint for title, hint in declared_types(kind).items() if hint is not Any}
        fields: list[Any] = []
        for attribute, title in zip(_attributes(titles), titles, strict=True):
            values = [row[title] for row in rows if title in row]
            path = name + "".join(word[:1].upper() + word[1:] for word in title.replace("-", "_").split("_"))
            annotation = self.of(path, values, hints.get(title, Any))
            is_always = len(values) == len(rows)
            annotation = annotation if is_always else annotation | None
            if title in parts:
                annotation = Annotated[annotation, Meta(description=parts[title])]
            option = msgspec.field(name=title) if is_always else msgspec.field(name=title, default=None)
            fields.append((attribute, annotation, option))
        return msgspec.defstruct(
            name, fields, namespace={"__doc__": doc or None}, kw_only=True, forbid_unknown_fields=True
        )

    def of(self, name: str, values: Sequence[Any], hint: Any) -> Any:
        """Return the type of values that are declared as `hint`."""
        known = [_converted(value) for value in values]
        present = [value for value in known if value is not None]
        options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
        rest = [option for option in options if option is not type(None)]
        annotation = self._present(name, present, Union[tuple(rest)] if rest else Any)  # noqa: UP007  of a tuple
        is_optional = len(rest) < len(options) or len(present) < len(known) or (self._is_json and annotation is float)
        return annotation | None if is_optional else annotation

    def _present(self, name: str, values: Sequence[Any], hint: Any) -> Any:
        """Return the type of values of which none is None."""
        hint = _without_metadata(hint)
        kinds = set(map(type, values))
        origin = get_origin(hint)
        if origin in (dict, Mapping):
            inner = list(chain.from_iterable(mapping.values() for mapping in values))
            return dict[str, self.of(name, inner, get_args(hint)[1])]  # type: ignore[misc]  # a type that is made here
        if values and all(issubclass(kind, dict) or _has_fields(kind) for kind in kinds):
            return self.struct(name, values, declared_types(hint) if isinstance(hint, type) else {})
        if values and all(issubclass(kind, (list, tuple)) for kind in kinds):
            arguments = get_args(hint) if origin is list else ()
            return list[self.of(name, list(chain.from_iterable(values)), *arguments or (Any,))]  # type: ignore[misc]
        if hint in (int, float) or hint in UNKNOWN:
            return _scalar(name, kinds | ({hint} if hint in (int, float) else set()), values)
        return hint


def _attributes(titles: Sequence[str]) -> list[str]:
    """Return an attribute for each title: the title itself, or a similar name that Python and Avro allow."""
    attributes: list[str] = []
    for title in titles:
        name = re.sub(r"\W", "_", title, flags=re.ASCII)
        name = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
        while name in attributes or (name != title and name in titles):
            name += "_"
        attributes.append(name)
    return attributes


def _scalar(name: str, kinds: set[type], values: Sequence[Any]) -> Any:
    if kinds == {int, float}:
        return float
    if kinds == {datetime}:
        return Annotated[datetime, Meta(tz=values[0].tzinfo is not None)]
    if len(kinds) == 1:
        return kinds.pop()
    observed = " and ".join(sorted(kind.__name__ for kind in kinds)) or "nothing but None"
    raise ConfigurationError(
        f"the type of {name} cannot be determined: the reference records give {observed}. Declare its type in the "
        "class that the pipeline emits, such as float | None, or leave it out with --emit"
    )


def _converted(value: Any) -> Any:
    """Return a value of a library as the value of Python's own type that is encoded for it."""
    is_of_library = type(value).__module__.partition(".")[0] in ("numpy", "pandas") or hasattr(value, "model_dump")
    return native(value) if is_of_library else value


def _without_metadata(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _has_fields(kind: type) -> bool:
    return field_names(kind) is not None and not issubclass(kind, tuple)  # JSON has a list for a nested named tuple


def _fields(item: Any) -> dict[str, Any]:
    """Return the fields of an item by their names in the data."""
    if isinstance(item, msgspec.Struct):
        return {field.encode_name: getattr(item, field.name) for field in msgspec.structs.fields(item)}
    if isinstance(item, dict):
        return {str(key): value for key, value in item.items()}
    return {name: getattr(item, name) for name in field_names(type(item)) or ()}
