"""A command that is mistyped or incomplete: what was probably meant, and everything that is missing, at once."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from makiserve.cli.main import COMMANDS, command
from makiserve.errors import ConfigurationError
from tests.loops import loop_over

EMPTY = {"KAFKA_BOOTSTRAP_SERVERS": None, "MAKISERVE_BOOTSTRAP_SERVERS": None, "MAKISERVE_MODEL": None}


def run(*arguments: str) -> str:
    """Run a command that prints an error about its arguments, and return what it prints."""
    done = CliRunner(env=EMPTY).invoke(command, arguments)
    assert done.exit_code == 2
    return done.stderr


@loop_over(
    ("name", "suggestion"),
    [
        ("serv", "To serve, give no command: makiserve --model … --input … --output … --bootstrap-servers …"),
        ("serve", "To serve, give no command"),
        ("replay", "To replay, give an option: makiserve --model … --replay FILE"),
        ("relpay", "To replay, give an option"),
        ("explian", "Did you mean makiserve explain?"),
        ("deadletters", "Did you mean makiserve dead-letters?"),
        ("labels", "Did you mean the option --label?"),
        ("xyz", f"The commands are {', '.join(sorted(COMMANDS))}. Without one, makiserve serves."),
        ("house.csv", "The commands are attach, "),
    ],
)
def test_unknown_command_names_what_was_meant(name: str, suggestion: str) -> None:
    for arguments in ([name], ["--model", "m", name, "--input", "a"]):
        assert f"There is no command {name}. {suggestion}" in run(*arguments)


@loop_over(
    ("arguments", "absent"),
    [
        ("", "to serve (without --replay FILE), give --model (or --features), --input, --output, --bootstrap-servers"),
        ("--features f", "to serve (without --replay FILE), give --input, --output, --bootstrap-servers"),
        ("--replay kafka:house", "to replay a topic, give --model (or --features), --bootstrap-servers"),
        ("check --output o", "to check a service, give --model (or --features), --input, --bootstrap-servers"),
        ("audit", "to audit a service, give --model (or --features), --input, --output, --bootstrap-servers"),
        (
            "audit --input i --against delta:lake",
            "to audit a service, give --match-by, --model (or --features), --output, --bootstrap-servers",
        ),
        ("dead-letters", "to read dead letters, give TOPIC, --bootstrap-servers"),
        ("dead-letters house.dead", "to read dead letters, give --bootstrap-servers"),
    ],
)
def test_everything_that_a_command_lacks_is_named_at_once(arguments: str, absent: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CliRunner(env=EMPTY).invoke(command, arguments.split(), catch_exceptions=False)
    assert str(caught.value) == absent


@loop_over(
    ("arguments", "message"),
    [
        ("build", "Missing options: --model, --tag."),
        ("attach --alias a", "Missing options: --model, --features."),
        ("attach --model m", "Missing option '--features'."),
        ("attach --model", "Option '--model' requires an argument."),
        ("explain", "Missing argument 'MODULE:FUNCTION|FILE.py:FUNCTION'."),
    ],
)
def test_missing_options_of_a_command_are_named_at_once(arguments: str, message: str) -> None:
    assert message in run(*arguments.split())


@loop_over("name", ["", *COMMANDS])
def test_every_argument_and_option_is_documented(name: str) -> None:
    shown = command.get_command(click.Context(command), name) if name else command
    assert shown
    for parameter in shown.params:
        if isinstance(parameter, click.Argument):
            names = (parameter.metavar or str(parameter.name).upper()).split("|")
            text = (shown.help or "").partition("\n\n")[2]
            assert [word for word in names if word not in text] == []
        else:
            assert getattr(parameter, "help", None), parameter.opts
            assert getattr(parameter, "is_flag", False) or parameter.metavar, f"{parameter.opts} has no metavar"
