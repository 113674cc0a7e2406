"""`makiserve config`: show the configuration in effect, with the source of each value."""

from __future__ import annotations

import json

import click

from makiserve.cli.options import settings_from
from makiserve.settings import SECTIONS, BrokerSettings, ModelSettings, Option, ServeSettings, Settings, options

HELP = """Show the configuration in effect as a configuration file, with the source of each value.

Secrets are masked. A secret that is read from a file is shown as the name of that file.
"""


@click.command(help=HELP)
@settings_from(ModelSettings, ServeSettings, BrokerSettings)
def config(settings: Settings) -> None:
    """Print the settings as TOML."""
    tables: dict[str, list[str]] = {"": []}
    for option in (option for section in SECTIONS for option in options(section)):
        lines = tables.setdefault(option.key if option.is_mapping else option.section.table, [])
        shown = settings.shown(option)
        lines += [_line(option, pair, text, source) for pair, (text, source) in shown.items()]
        if not shown and not option.is_mapping:
            lines.append(f"# {option.key} is not set")
    for table, lines in tables.items():
        if lines:
            print("\n".join([*([f"\n[{table}]"] if table else []), *lines]))


def _line(option: Option, pair: str, text: str | tuple[str, ...], source: str) -> str:
    value = json.dumps(text, ensure_ascii=False)
    if option.kind in (int, float, bool) and isinstance(text, str):
        value = text
    return f"{json.dumps(pair) if pair else option.key} = {value}  # {source}"
