"""Libraries that the command imports only when they are needed."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from makiserve.cli.main import COMMANDS, command
from tests.loops import loop_over

SLOW = ("mlflow", "pandas", "pyarrow", "sklearn", "confluent_kafka", "makiserve.stream")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["config"], ["nonsense"]])
@pytest.mark.slow
def test_light_commands_import_no_slow_module(arguments: list[str]) -> None:
    program = "import sys, atexit; atexit.register(lambda: print('\\n', *sys.modules)); sys.argv[1:] = "
    program += f"{arguments}; from makiserve.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    imported = set(done.stdout.splitlines()[-1].split())
    assert "makiserve.cli.main" in imported, done.stderr
    assert {name for name in SLOW if name in imported} == set()


@pytest.mark.slow
def test_a_supervisor_imports_no_model_library() -> None:
    program = "import sys, makiserve.cli.serve, makiserve.cli.worker_process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"mlflow", "sklearn"} & set(done.stdout.split()) == set()


@loop_over("name", COMMANDS)
def test_command_list_equals_the_commands_own_help(name: str) -> None:
    subcommand = command.get_command(click.Context(command), name)
    assert subcommand
    assert (subcommand.help or "").startswith(COMMANDS[name].help.removesuffix("."))


@loop_over("name", ["", *COMMANDS])
def test_help_of_a_flag_repeats_no_sentence(name: str) -> None:
    """One flag can set options of several sections, whose texts are joined."""
    shown = command.get_command(click.Context(command), name) if name else command
    assert shown
    for parameter in shown.params:
        sentences = re.split(r"(?<=[.;]) ", getattr(parameter, "help", None) or "")
        assert len(sentences) == len(set(sentences)), parameter.opts


def test_every_public_name_exists() -> None:
    import makiserve

    for name in makiserve.__all__:
        assert getattr(makiserve, name)
