"""`python -m makiserve.testing.broker`: its arguments, and the message if Java or Maven is missing."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from makiserve.testing.broker import KafkaServer
from makiserve.testing.broker.__main__ import main, topic
from makiserve.testing.broker.jars import KafkaDistribution


@pytest.mark.parametrize(("text", "expected"), [("house", ("house", 1)), ("house:4", ("house", 4))])
def test_topic_has_a_name_and_partitions(text: str, expected: tuple[str, int]) -> None:
    assert topic(text) == expected


@pytest.mark.parametrize("text", ["house:none", "house:0", ":2"])
def test_topic_malformed_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([text])
    assert text in capsys.readouterr().err


def test_port_that_is_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit):
            main(["--port", str(port)])
    assert f"port {port} is in use: stop the process that has it, or choose another" in capsys.readouterr().err


def test_broker_has_the_given_port(tmp_path: Path) -> None:
    server = KafkaServer(KafkaDistribution.cached(), tmp_path, nodes=3, port=9092)
    assert server.bootstrap_servers.startswith("127.0.0.1:9092,127.0.0.1:")


def test_broker_without_maven_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main([]) == 2
    message = capsys.readouterr().err
    assert "mvn is not installed" in message
    assert "apt-get install openjdk-17-jre-headless maven" in message
    assert not KafkaDistribution.cached().complete.exists()
    assert KafkaDistribution.cached().home.is_relative_to(tmp_path)
