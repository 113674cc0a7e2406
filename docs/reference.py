"""Writes the pages of docs/reference that are generated: every option, every command. `make docs`.

A test holds the pages against the settings and the commands.
"""

from __future__ import annotations

import inspect
from copy import copy
from pathlib import Path

import click

from makiserve.cli.main import command
from makiserve.cli.options import Flag, default_text, title_of
from makiserve.errors import MakiserveError, RecordError
from makiserve.settings import SECTIONS, Option, Section, options
from makiserve.settings.text import metavar

PAGES = Path(__file__).parent / "reference"

CONFIGURATION = """# Configuration

Every option of a service has a flag, a variable of the environment and a key in a TOML file: `--config FILE`, the file
that `MAKISERVE_CONFIG` names, or `makiserve.toml` where the command is run. **A flag wins over the environment, that
over the file, that over the default.** `makiserve config` shows what is in effect and where each value came from. A
variable that begins with `MAKISERVE_`, or a key, that is not in these tables is refused.

A duration has its unit: `100ms`, `15s`, `5min`, `2h`, `1d`. A size may have one: `900000`, `64kB`, `1MiB`.

```toml
model = "models:/house@champion"

[serve]
input = "house"
output = "house.predictions"
commit-interval = "200ms"

[broker]
bootstrap-servers = "broker-1:9093,broker-2:9093"

[kafka]
security.protocol = "SASL_SSL"
sasl.mechanism = "SCRAM-SHA-512"
sasl.username = "house"
sasl.password = "file:/run/secrets/house-password"
```

## Kafka properties

Whatever librdkafka can be told goes through one place, `--kafka KEY=VALUE`, for security and tuning. In the environment
a dot is one underscore: `MAKISERVE_KAFKA_SSL_CA_LOCATION` is `ssl.ca.location`; an underscore is two. What exactly-once
rests on cannot be set.

**Secrets**: a value that begins with `file:` is what stands in that file, without the end of the last line. Passwords
and keys are shown as `••••` by `makiserve config`, and nowhere else.
"""

COMMANDS = """# Commands

The options that several commands have, and that may stand in the environment and in a file, are in
[configuration.md](configuration.md); a command's own are here. `makiserve COMMAND --help` shows both.
"""


ERRORS = """# Errors and exit codes

Each class of error is named for what happens next. Where nothing below the command line acts on it, the process ends
with its exit code, and the last line on stderr, `makiserve: …`, says what, where, and what to do. `makiserve check`
ends with the code of the first check that failed.

| exit code | what to do |
|---|---|
| 0 | nothing: the service has drained, the replay is complete |
| 1 | a replay misses what is required or differs from what is expected; `--on-error stop` met a record: see above |
| 2 | correct the command, the settings, the topic or the code: starting again as it is cannot help |
| 3 | log the model again, or serve another version: this one must not serve here |
| 4 | look at the broker and the network, or at the other instance, and start again: a supervisor may do so |
| 5 | choose what becomes of the state: `--on-state-loss` |
| 6 | nothing: the process is replaced by a fresh one that serves the new pipeline; a supervisor starts it |
| 70 | report the lines above: a bug of makiserve |
| 71 | give the process more memory, open files, threads or disk: the message names the limit |
| 130 | nothing: a second Ctrl-C has ended it at once; what was not committed is scored again |

A dead letter has the word of its error in the header `makiserve.reason`, its message in `makiserve.error`.

| error | exit code | dead letter | |
|---|---|---|---|
"""


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (PAGES / name).write_text(text)


def pages() -> dict[str, str]:
    """The generated pages, by file name."""
    return {"configuration.md": configuration(), "cli.md": commands(), "errors.md": ERRORS + errors(MakiserveError)}


def errors(of: type[MakiserveError]) -> str:
    """A class of error, and those below it."""
    summary = (inspect.getdoc(of) or "").splitlines()[0]
    reason = f"`{of.reason}`" if issubclass(of, RecordError) else ""
    exit_code = "" if issubclass(of, RecordError) else of.exit_code
    line = f"| `{of.__name__}` | {exit_code} | {reason} | {summary} |\n"
    below = (each for each in of.__subclasses__() if each.__module__ == of.__module__)
    return line + "".join(errors(each) for each in below)


def configuration() -> str:
    """All options of all sections."""
    return CONFIGURATION + "".join(table(section) for section in SECTIONS)


def table(section: type[Section]) -> str:
    """The options of one section."""
    place = f"In the file: table `[{section.table}]`." if section.table else "In the file: above all tables."
    lines = [
        f"\n## {title_of(section)}\n",
        f"{place}\n",
        "| flag, variable, key | value | default | |",
        "|---|---|---|---|",
    ]
    return "\n".join(lines + [row(each) for each in options(section)]) + "\n"


def row(option: Option) -> str:
    """One option."""
    key = f"`[{option.key}]`" if option.is_mapping else f"`{option.key}`"
    variables = (f"{option.variable}_…",) if option.is_mapping else (option.variable, *option.told.aliases)
    names = "<br>".join([f"`{option.flag}`", *(f"`{each}`" for each in variables), key])
    value = (option.told.metavar or metavar(option.kind)).replace("|", " \\| ")
    default = default_text(option)
    return (
        f"| {names} | {value} | {f'`{default}`' if default else ''} | {option.told.help.replace('|', chr(92) + '|')} |"
    )


def commands() -> str:
    """The help of every command."""
    shown = [COMMANDS, section("makiserve", command)]
    context = click.Context(command)
    for name in command.list_commands(context):
        each = command.get_command(context, name)
        assert each  # noqa: S101  it is in the list
        shown += [section(f"makiserve {name}", each)]
    return "\n".join(shown)


def section(name: str, of: click.Command) -> str:
    """The help of one command, without the options of the configuration."""
    titles = {each.title: None for each in of.params if isinstance(each, Flag)}
    own = copy(of)
    own._help_option = None  # noqa: SLF001  remembered from whoever ran the command first
    own.params = [each for each in of.params if not isinstance(each, Flag)]
    with click.Context(own, info_name=name, terminal_width=110, **command.context_settings) as context:
        shown = f"## {name}\n\n```\n{own.get_help(context)}\n```\n"
    return shown + (f"\nConfiguration: {'; '.join(titles)}.\n" if titles else "")


if __name__ == "__main__":
    main()
