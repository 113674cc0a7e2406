"""Each option is declared once; flags, environment and file give it; what nobody knows is refused."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from makiserve.errors import ConfigurationError
from makiserve.settings import (
    SECTIONS,
    BrokerSettings,
    LogSettings,
    ModelSettings,
    ReplaySettings,
    ServeSettings,
    Settings,
    given_by_environment,
    given_by_file,
    given_by_flags,
    options,
)
from tests.loops import loop_over

OPTIONS = [option for section in SECTIONS for option in options(section)]
NEEDED = {"--input": "house", "--output": "predictions", "--bootstrap-servers": "broker:9092"}


def settings(toml: Path | None = None, env: dict[str, str] | None = None, **flags: Any) -> Settings:
    given = {f"--{name.replace('_', '-')}": value for name, value in flags.items()}
    file = given_by_file(OPTIONS, toml) if toml else {}
    return Settings(SECTIONS, file, given_by_environment(OPTIONS, env or {}), given_by_flags(OPTIONS, NEEDED | given))


@pytest.fixture
def toml(tmp_path: Path) -> Any:
    def write(text: str) -> Path:
        path = tmp_path / "makiserve.toml"
        path.write_text(text)
        return path

    return write


def test_no_two_options_have_the_same_variable_or_key() -> None:
    for names in ([option.variable for option in OPTIONS], [(option.section.table, option.key) for option in OPTIONS]):
        assert [name for name, count in Counter(names).items() if count > 1] == []


@loop_over("option", OPTIONS, ids=lambda option: option.variable)
def test_every_option_has_a_sentence_of_help(option: Any) -> None:
    assert option.spec.help.endswith(".")


def test_flag_beats_environment_beats_file_beats_default(toml: Any) -> None:
    path = toml('[serve]\ncommit-interval = "3s"\n')
    variable = {"MAKISERVE_COMMIT_INTERVAL": "2s"}
    for given, seconds in (
        (settings(path, variable, commit_interval="1s"), 1),
        (settings(path, variable), 2),
        (settings(path), 3),
        (settings(), 0.1),
    ):
        assert given.of(ServeSettings).commit_interval == timedelta(seconds=seconds)


def test_kafka_options_are_merged_by_property(toml: Any) -> None:
    path = toml('[kafka]\nssl.ca.location = "file"\n"linger.ms" = 7\nacks = "all"\n')
    env = {"MAKISERVE_KAFKA_LINGER_MS": "8", "MAKISERVE_KAFKA_LOG__LEVEL": "3"}
    given = settings(path, env, kafka=("ssl.ca.location=flag=x",))
    assert given.of(BrokerSettings).options == {
        "ssl.ca.location": "flag=x",
        "linger.ms": "8",
        "log_level": "3",
        "acks": "all",
    }


def test_derived_default_follows_its_option() -> None:
    given = settings(output="out")
    assert given.of(ServeSettings).dead_letters == "out.dead-letters"
    assert given.of(BrokerSettings).group == "makiserve.out"
    assert settings(group="mine").of(BrokerSettings).group == "mine"


def test_missing_required_options_are_named() -> None:
    given = settings(input=None, bootstrap_servers=None)
    assert given.absent(ServeSettings, BrokerSettings) == ["--input", "--bootstrap-servers"]
    with pytest.raises(ConfigurationError, match="give --bootstrap-servers"):
        given.of(BrokerSettings)


def test_bootstrap_servers_has_an_alias_variable() -> None:
    env = {"KAFKA_BOOTSTRAP_SERVERS": "theirs", "MAKISERVE_BOOTSTRAP_SERVERS": "ours"}
    assert settings(env=env, bootstrap_servers=None).of(BrokerSettings).bootstrap_servers == "ours"
    del env["MAKISERVE_BOOTSTRAP_SERVERS"]
    assert settings(env=env, bootstrap_servers=None).of(BrokerSettings).bootstrap_servers == "theirs"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('modell = "m"', "unknown key or table modell. Did you mean model?"),
        ("[serv]\n", "unknown key or table serv. Did you mean serve?"),
        ('[serve]\ninputt = "x"', r"unknown key inputt in \[serve\]. Did you mean input?"),
        ("[serve]\nzzz = 1", r"unknown key zzz in \[serve\]$"),
        ("serve = 1", r"serve must be a table: \[serve\]"),
        ("kafka = 1", r"kafka must be a table: \[kafka\]"),
        ("model = ", "Invalid value"),
        ("[serve]\nmax-batch = 0", "max-batch 0: expected 1 or more"),
        ("[serve]\nmax-batch = true", "max-batch true: expected a whole number"),
        ('[serve]\nmax-batch = ["1"]', "max-batch .*: expected a whole number"),
        ("[serve]\ncommit-interval = 100", "commit-interval 100: expected a duration with its unit"),
        ("[serve]\nfrom = 2020-01-01", "from 2020-01-01: expected earliest or latest"),
    ],
)
def test_unknown_key_in_the_file_is_refused(toml: Any, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"makiserve\.toml: .*{reason}"):
        settings(toml(text))


def test_file_of_an_editor_on_windows_is_read(tmp_path: Path) -> None:
    """It begins with a byte order mark, and its lines end with CR LF."""
    path = tmp_path / "makiserve.toml"
    path.write_bytes(b'\xef\xbb\xbf[serve]\r\ncommit-interval = "3s"\r\n')
    assert settings(path).of(ServeSettings).commit_interval == timedelta(seconds=3)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "deep").write_text("a = " + "[" * 100_000)
    for name, reason in (
        ("deep", "recursion"),
        ("none", "No such file"),
        (".", "Is a directory"),
        ("binary", "codec can't decode"),
    ):
        with pytest.raises(ConfigurationError, match=reason):
            given_by_file(OPTIONS, tmp_path / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("MAKISERVE_GROUPS", "Did you mean MAKISERVE_GROUP"),
        ("MAKISERVE_X", "unknown variable"),
        ("MAKISERVE_KAFKA", "unknown variable"),
    ],
)
def test_unknown_variable_is_refused(name: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{name}: .*{reason}"):
        settings(env={name: "1"})


def test_kubernetes_service_variables_are_ignored() -> None:
    env = {
        "MAKISERVE_SERVICE_HOST": "10.0.0.1",
        "MAKISERVE_SERVICE_PORT": "8080",
        "MAKISERVE_SERVICE_PORT_HTTP": "8080",
        "MAKISERVE_PORT": "tcp://10.0.0.1:8080",
        "MAKISERVE_PORT_8080_TCP": "tcp://10.0.0.1:8080",
        "MAKISERVE_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert settings(env=env).of(LogSettings) == LogSettings(log_format="text")


@pytest.mark.parametrize("name", ["sasl.password", "ssl.key.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"])
def test_a_secret_is_never_shown(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush\n")
    kafka = next(option for option in OPTIONS if option.is_mapping)
    given = settings(kafka=(f"{name}=hush", "linger.ms=5"))
    assert given.of(BrokerSettings).options[name] == "hush"
    assert given.shown(kafka) == {name: ("••••", "--kafka"), "linger.ms": ("5", "--kafka")}
    assert "hush" not in repr(given.of(BrokerSettings))
    kept = settings(kafka=(f"{name}=file:{tmp_path}/secret",))
    assert kept.of(BrokerSettings).options[name] == "hush"
    assert kept.shown(kafka) == {name: (f"file:{tmp_path}/secret", "--kafka")}


def test_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"--kafka sasl\.password=file:.*none: No such file or directory"):
        settings(kafka=(f"sasl.password=file:{tmp_path}/none",))


def test_flags_of_another_purpose_are_refused() -> None:
    given = settings(label="x")
    given.refuse_flags("no", ServeSettings, BrokerSettings, ReplaySettings)
    with pytest.raises(ConfigurationError, match="--label: no"):
        given.refuse_flags("no", ServeSettings, BrokerSettings)


def test_flag_of_two_sections_is_validated_by_each() -> None:
    flags: dict[str, Any] = {"from": "2h"}  # a word of Python
    given = settings(replay=("house.csv",), **flags)
    assert given.of(ReplaySettings).start == "2h"
    with pytest.raises(ConfigurationError, match="--from 2h: expected earliest or latest"):
        given.of(ServeSettings)


# `makiserve config` showed an empty list as the text "()", which read back was a list with that text in it.


def test_config_shows_an_empty_list_as_a_list() -> None:
    emit = next(option for option in options(ModelSettings) if option.is_list)
    assert Settings(SECTIONS).shown(emit) == {"": ((), "default")}
