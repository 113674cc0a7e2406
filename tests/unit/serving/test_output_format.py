"""The outputs of model versions in a format with a schema, with a registry of canned answers."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import fastavro
import pytest

from makiserve.errors import ConfigurationError, EncodeError, ModelRefused, SchemaRegistryUnavailable
from makiserve.scoring import ModelGroup, Outputs, Scored
from makiserve.serving.output_format import OutputFormats, type_name
from makiserve.settings import BrokerSettings, ServeSettings
from tests.unit.records.registry.fake import FakeRegistry, fake_registry
from tests.unit.scoring.test_output import RECORDS, SCORED, Features, Reading, predicted

MISSING = {"error_code": 40403, "message": "Schema not found"}
LOOKUP, COMPATIBLE, REGISTER = (
    "/subjects/out-value",
    "/compatibility/subjects/out-value/versions/latest?verbose=true",
    "/subjects/out-value/versions",
)


class Model:
    """A model with one reference record, whose prediction is a float."""

    uri, name, sample = "models:/house/1", "house", (Reading(7, 1.5),)

    def outputs(self) -> Outputs:
        return Outputs(Reading, Features._fields, has_model=True, has_post=False)

    def scorer(self) -> Any:
        return self

    has_challenger = False

    def new_lane(self) -> None:
        """Return None: no lane is needed."""

    def score(self, batches: Any) -> list[Scored]:
        return [predicted(1.5)]


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    with fake_registry() as registry:
        yield registry


def formats(fake: FakeRegistry, **options: Any) -> OutputFormats:
    broker = BrokerSettings(
        "broker:9092", "group", schema_registry=fake.url, startup_timeout=timedelta(milliseconds=10)
    )
    return OutputFormats(broker, ServeSettings("in", "out", "dead", **{"output_format": "avro", **options}))


def asked(fake: FakeRegistry) -> list[str]:
    return [path for path, _ in fake.requests]


def test_a_known_schema_precedes_each_output_as_its_id(fake: FakeRegistry) -> None:
    fake.answers = {LOOKUP: (200, {"id": 258})}
    model: Any = Model()
    ready = formats(fake)
    encoded = ready.outputs(model).encode(SCORED, RECORDS)
    assert [value[:5] for value in encoded.values] == [b"\0\0\0\1\2"] * 2
    assert [json.loads(text) for text in encoded.shown] == [{"prediction": 10.0}, {"prediction": 20.0}]
    assert ready.outputs(model) is ready.outputs(model)
    assert asked(fake) == [LOOKUP]


def test_a_new_schema_is_compared_and_then_registered(fake: FakeRegistry) -> None:
    fake.answers = {COMPATIBLE: (200, {"is_compatible": True}), REGISTER: (200, {"id": 3})}
    model: Any = Model()
    formats(fake, register_schemas=True).prepare(model)
    assert asked(fake) == [LOOKUP, COMPATIBLE, REGISTER]


def test_a_new_schema_is_an_error_if_it_must_not_be_registered(fake: FakeRegistry) -> None:
    model: Any = Model()
    with pytest.raises(ConfigurationError, match=r'--register-schemas: .*"name":"prediction"'):
        formats(fake).prepare(model)
    with pytest.raises(ConfigurationError, match="--register-schemas"):
        formats(fake).check(model)
    assert REGISTER not in asked(fake)


@pytest.mark.parametrize("call", ["prepare", "check"])
def test_an_incompatible_schema_must_not_serve(fake: FakeRegistry, call: str) -> None:
    fake.answers = {COMPATIBLE: (200, {"is_compatible": False, "messages": ["TYPE_MISMATCH at /fields/0"]})}
    with pytest.raises(ModelRefused, match="TYPE_MISMATCH at /fields/0"):
        getattr(formats(fake, register_schemas=True), call)(Model())
    assert REGISTER not in asked(fake)


def test_a_check_registers_nothing(fake: FakeRegistry) -> None:
    model: Any = Model()
    assert "will be registered" in formats(fake, register_schemas=True).check(model)
    assert REGISTER not in asked(fake)
    fake.answers = {LOOKUP: (200, {"id": 7})}
    assert formats(fake).check(model) == "out-value has the schema of the outputs, id 7"


def test_a_conflict_and_an_unaccepted_schema_are_refused(fake: FakeRegistry) -> None:
    fake.answers = {COMPATIBLE: (200, {"is_compatible": True}), REGISTER: (409, {"message": "no"})}
    model: Any = Model()
    with pytest.raises(ModelRefused, match="not compatible"):
        formats(fake, register_schemas=True).prepare(model)
    fake.answers[REGISTER] = (422, {"message": "invalid"})
    with pytest.raises(ConfigurationError, match="invalid"):
        formats(fake, register_schemas=True).prepare(model)


def test_a_registry_that_fails_is_not_taken_for_a_refusal(fake: FakeRegistry) -> None:
    fake.answers = {LOOKUP: (500, {})}
    model: Any = Model()
    with pytest.raises(SchemaRegistryUnavailable):
        formats(fake).prepare(model)


@pytest.mark.parametrize("output_format", ["avro", "json-schema"])
def test_an_output_of_another_type_is_a_dead_letter(fake: FakeRegistry, output_format: str) -> None:
    fake.answers = {LOOKUP: (200, {"id": 1})}
    model: Any = Model()
    encoded = formats(fake, output_format=output_format).outputs(model).encode(predicted("odd"), RECORDS)
    ((index, error),) = encoded.dead
    assert (index, encoded.values) == (0, [])
    assert isinstance(error, EncodeError)
    assert f"cannot be written as {output_format}" in str(error)


@pytest.mark.parametrize(
    ("strategy", "subject"),
    [("topic-name", "out-value"), ("record-name", "Out"), ("topic-record-name", "out-Out")],
)
def test_the_subject_follows_the_strategy(fake: FakeRegistry, strategy: str, subject: str) -> None:
    fake.answers = {f"/subjects/{subject}": (200, {"id": 7})}
    model: Any = Model()
    ready = formats(fake, subject_strategy=strategy)
    assert ready.check(model) == f"{subject} has the schema of the outputs, id 7"
    assert ready.outputs(model).encode(SCORED, RECORDS).values[0][:5] == b"\0\0\0\0\7"


class WithShadow(Model):
    """The same model with a shadow, whose prediction is a text."""

    class Shadow:
        uri, name = "models:/other/2", "other"

    companions = ModelGroup(shadow=cast("Any", Shadow()))

    def score(self, batches: Any) -> list[Scored]:
        return [predicted(1.5)._replace(shadow=[(0, "warm")])]


def test_predictions_of_a_shadow_have_a_schema_of_their_topic(fake: FakeRegistry) -> None:
    model: Any = WithShadow()
    fake.answers = {LOOKUP: (200, {"id": 7})}
    with pytest.raises(ConfigurationError, match="the subject watched-value") as raised:
        formats(fake, shadow_output="watched").prepare(model)
    text = json.loads(str(raised.value).partition("--register-schemas: ")[2])
    fake.answers["/subjects/watched-value"] = (200, {"id": 8})
    outputs = formats(fake, shadow_output="watched").outputs(model)
    assert (text["name"], text["doc"]) == ("Watched", "A prediction of other as a shadow.")
    schema = fastavro.parse_schema(text)

    def read(value: bytes) -> Any:
        assert value[:5] == b"\0\0\0\0\x08"
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)

    assert read(outputs.encode_shadow("cold")) == {"prediction": "cold", "error": None}
    assert read(outputs.encode_shadow(EncodeError("no"))) == {"prediction": None, "error": "no"}
    refused = read(outputs.encode_shadow(1.5))
    assert refused["prediction"] is None
    assert "the output cannot be written as avro" in refused["error"]


def test_the_same_is_prepared_in_another_process(fake: FakeRegistry) -> None:
    fake.answers = {LOOKUP: (200, {"id": 1})}
    model: Any = Model()
    ready = formats(fake)
    ready.prepare(model)
    pickle.loads(pickle.dumps(ready.prepare))(model)
    assert asked(fake) == [LOOKUP] * 2


def test_a_format_with_a_schema_needs_a_registry() -> None:
    settings = ServeSettings("in", "out", "dead", output_format="avro")
    with pytest.raises(ConfigurationError, match="needs --schema-registry"):
        OutputFormats(BrokerSettings("broker:9092", "group"), settings)


@pytest.mark.parametrize(("topic", "name"), [("house.predictions-v2", "HousePredictionsV2"), ("2026", "Output2026")])
def test_a_type_is_named_after_the_topic(topic: str, name: str) -> None:
    assert type_name(topic) == name
