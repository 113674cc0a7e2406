"""Structs that several threads decode at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

RELOAD = """
import importlib, sys, threading
import msgspec
from makiserve.records.registry import client

sys.setswitchinterval(1e-6)
SCHEMA = {"schema": "s", "schemaType": "AVRO", "references": [{"name": "n", "subject": "s", "version": 1}]}


def convert():
    start.wait()
    answers.append(msgspec.convert(SCHEMA, client._SchemaAnswer))


for _ in range(300):
    importlib.reload(client)
    start, answers = threading.Barrier(8), []
    threads = [threading.Thread(target=convert) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
"""


@pytest.mark.slow
def test_answers_of_a_registry_are_first_decoded_on_several_threads() -> None:
    ran = subprocess.run([sys.executable, "-X", "faulthandler", "-c", RELOAD], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
