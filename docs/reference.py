"""Write the generated pages of docs/reference: every option, every command. `make docs`.

A test compares the pages with the settings and the commands.
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

Every option of a service has a flag, an environment variable and a key in a TOML file. The file is the one given with
`--config FILE` or `MAKISERVE_CONFIG`, otherwise `makiserve.toml` in the current directory. **Flags take precedence over
the environment, the environment over the file, and the file over the defaults.** `makiserve config` shows the values in
effect and their origin. Unknown keys, and unknown variables that begin with `MAKISERVE_`, are refused.

A duration needs a unit: `100ms`, `15s`, `5min`, `2h`, `1d`. A size may have one: `900000`, `64kB`, `1MiB`.

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

`--kafka KEY=VALUE` sets any property of librdkafka, for security and tuning. In environment variables, a dot is one
underscore and an underscore is two: `MAKISERVE_KAFKA_SSL_CA_LOCATION` is `ssl.ca.location`. Properties that
exactly-once processing depends on cannot be set.

**Secrets**: if a value begins with `file:`, the property is the content of that file, without the final line break.
`makiserve config` shows passwords and keys as `••••`. Nothing else shows them.
"""

COMMANDS = """# Commands

This page lists the options that belong to a single command. The options that several commands share, and that can also
be set in the environment and in a file, are in [configuration.md](configuration.md). `makiserve COMMAND --help` shows
both.
"""


ERRORS = """# Errors and exit codes

Each error class is named for what happens next. If an error reaches the command line, the process ends with its exit
code. The last line on stderr, `makiserve: …`, reports what happened and where, and what to do. `makiserve check` ends
with the code of the first check that failed.

| exit code | what to do |
|---|---|
| 0 | nothing: the service has drained, the replay is complete |
| 1 | a replay missed a requirement or differs from what was expected, or a record failed with `--on-error stop` |
| 2 | correct the command, the settings, the topic or the code; a restart alone cannot help |
| 3 | log the model again, or serve another version; this one must not serve here |
| 4 | check the broker, the network or the other instance, and restart; a supervisor may do so |
| 5 | choose what happens to the state: `--on-state-loss` |
| 6 | nothing: a new process serves the new pipeline; a supervisor starts it |
| 70 | report the lines above: this is a bug of makiserve |
| 71 | give the process more memory, open files, threads or disk: the message names the limit |
| 130 | nothing: a second Ctrl-C ended the process at once; uncommitted records are scored again |

The header `makiserve.reason` of a dead letter contains the word in the third column, and `makiserve.error` the message.

| error | exit code | dead letter | |
|---|---|---|---|
"""


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (PAGES / name).write_text(text)


def pages() -> dict[str, str]:
    """Return the generated pages by file name."""
    return {"configuration.md": configuration(), "cli.md": commands(), "errors.md": ERRORS + errors(MakiserveError)}


def errors(error: type[MakiserveError]) -> str:
    """Return the rows of an error class and its subclasses."""
    summary = (inspect.getdoc(error) or "").splitlines()[0]
    reason = f"`{error.reason}`" if issubclass(error, RecordError) else ""
    exit_code = "" if issubclass(error, RecordError) else error.exit_code
    line = f"| `{error.__name__}` | {exit_code} | {reason} | {summary} |\n"
    subclasses = (subclass for subclass in error.__subclasses__() if subclass.__module__ == error.__module__)
    return line + "".join(map(errors, subclasses))


def configuration() -> str:
    """Return the page of all options."""
    return CONFIGURATION + "".join(table(section) for section in SECTIONS)


def table(section: type[Section]) -> str:
    """Return the table of a section's options."""
    location = f"In the file: table `[{section.table}]`." if section.table else "In the file: above all tables."
    lines = [
        f"\n## {title_of(section)}\n",
        f"{location}\n",
        "| flag, variable, key | value | default | |",
        "|---|---|---|---|",
    ]
    return "\n".join(lines + [row(option) for option in options(section)]) + "\n"


def row(option: Option) -> str:
    """Return the row of an option."""
    key = f"`[{option.key}]`" if option.is_mapping else f"`{option.key}`"
    variables = (f"{option.variable}_…",) if option.is_mapping else (option.variable, *option.spec.aliases)
    names = "<br>".join([f"`{option.flag}`", *(f"`{variable}`" for variable in variables), key])
    value = (option.spec.metavar or metavar(option.kind)).replace("|", " \\| ")
    default = default_text(option)
    return (
        f"| {names} | {value} | {f'`{default}`' if default else ''} | {option.spec.help.replace('|', chr(92) + '|')} |"
    )


def commands() -> str:
    """Return the page of all commands."""
    sections = [COMMANDS, section("makiserve", command)]
    context = click.Context(command)
    for name in command.list_commands(context):
        subcommand = command.get_command(context, name)
        assert subcommand  # noqa: S101  it is in the list
        sections += [section(f"makiserve {name}", subcommand)]
    return "\n".join(sections)


def section(name: str, documented: click.Command) -> str:
    """Return the help of a command, without the options of the configuration."""
    titles = {parameter.title: None for parameter in documented.params if isinstance(parameter, Flag)}
    trimmed = copy(documented)
    trimmed._help_option = None  # noqa: SLF001  click caches it when the command runs
    trimmed.params = [parameter for parameter in documented.params if not isinstance(parameter, Flag)]
    with click.Context(trimmed, info_name=name, terminal_width=110, **command.context_settings) as context:
        text = f"## {name}\n\n```\n{trimmed.get_help(context)}\n```\n"
    return text + (f"\nConfiguration: {'; '.join(titles)}.\n" if titles else "")


if __name__ == "__main__":
    main()
