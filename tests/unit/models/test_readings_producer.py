"""The producers of the models, if there is no broker."""

from __future__ import annotations

import socket

import pytest

from models import producer


def test_producer_without_a_broker_ends_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer, "ANSWER_S", 0.2)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nothing listens
        servers = f"127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(
            SystemExit, match=rf"no broker at {servers} answers within 0\.2 s: check --bootstrap-servers"
        ):
            producer.send(iter([producer.Message(b"k", b"v")]), "flights", servers, 1000)
