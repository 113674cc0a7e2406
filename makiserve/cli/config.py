"""`makiserve config`: what is in effect, and where each value came from."""

from __future__ import annotations

import json

import click

from makiserve.cli.options import settings_from
from makiserve.settings import SECTIONS, BrokerSettings, ModelSettings, Option, ServeSettings, Settings, options

HELP = """Show the configuration in effect, as a file that would give it: each value, and where it came from.

Secrets are masked; one that stands in a file is shown as the name of that file.
"""


@click.command(help=HELP)
@settings_from(ModelSettings, ServeSettings, BrokerSettings)
def config(settings: Settings) -> None:
    """Print the tree as TOML."""
    tables: dict[str, list[str]] = {"": []}
    for option in (each for section in SECTIONS for each in options(section)):
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
