"""Every link of the documents leads somewhere, and every command in them parses."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from makiserve.cli.main import command
from makiserve.version import __version__
from tests.loops import loop_over

ROOT = Path(__file__).resolve().parents[3]
WRITTEN = sorted(
    [
        *ROOT.glob("*.md"),
        ROOT / "benchmarks" / "README.md",
        *(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "operators"),
        *(ROOT / "models").rglob("*.md"),
    ]
)
ELLIPSIS = "…"
OF_OTHERS = {
    "--stop-timeout",
    "--resource-pattern-type",
    "--rows",
    "--tracking-uri",
    "--gigabytes",
    "--nodes",
    "--port",
}
"""Flags of docker, kafka-acls.sh, the scripts in models/, the benchmarks, and the broker of makiserve.testing."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands() -> Iterator[tuple[str, list[str]]]:
    """The page and the words of each command that it shows in a block of code, `makiserve` left out."""
    for page in WRITTEN:
        for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in re.sub(r"\\\n", " ", block).splitlines():
                match = re.match(
                    r"\s*(?:\$ )?(?:docker run .*? (?:makiserve|house):\S+|makiserve) (-.*|[a-z].* -.*)$", line
                )
                if match:
                    yield name_of(page), shlex.split(match[1], comments=True)


@loop_over("page", WRITTEN, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        target, _, anchor = link.partition("#")
        if target.startswith(("http:", "https:")):
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_broker_to_try_an_example_on_has_the_port_of_its_commands(page: str) -> None:
    text = (ROOT / page).read_text()
    assert "python -m makiserve.testing.broker --port 9092" in text
    assert set(re.findall(r"localhost:(\d+)", text)) == {"9092"}
    assert re.search(r"^make setup.*\n\. \.venv/bin/activate.*\nmkdir (\w+) && cd \1", text, re.MULTILINE)


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    site = (ROOT / "mkdocs.yml").read_text()
    for folder in ("how-to", "explanation", "reference"):
        for page in (ROOT / "docs" / folder).glob("*.md"):
            assert f"]({folder}/{page.name})" in index, page.name
            assert f": {folder}/{page.name}\n" in site, f"{page.name}: add it to mkdocs.yml"


def test_changelog_sections_have_version_and_date() -> None:
    sections = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0].startswith(f"{__version__} ")
    assert [title for title in sections if not re.fullmatch(r"\d+\.\d+\.\d+ — .*\d{4}-\d\d-\d\d", title)] == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("*.png")), ids=name_of)
def test_a_picture_is_small_enough_for_a_readme(picture: Path) -> None:
    assert 10_000 < picture.stat().st_size < 200_000


def test_every_command_that_is_shown_parses() -> None:
    shown = list(commands())
    assert len(shown) > 30
    for page, words in shown:
        is_open = words[-1] == ELLIPSIS and not words[-2].startswith("--")  # and so on, not a value
        arguments = words[:-1] if is_open else words
        try:
            parse(arguments)
        except click.UsageError as error:
            pytest.fail(f"{page}: makiserve {' '.join(words)}: {error.format_message()}")


def test_every_flag_that_is_named_exists() -> None:
    context = click.Context(command)
    every = [command, *filter(None, (command.get_command(context, name) for name in command.list_commands(context)))]
    known = {
        flag
        for shown_command in every
        for option in shown_command.params
        for flag in (*option.opts, *option.secondary_opts)
    }
    for page in WRITTEN:
        named = set(re.findall(r"(?<![\w-])`(--[a-z-]+)", page.read_text()))
        assert named - known - OF_OTHERS == set(), name_of(page)


def parse(arguments: list[str]) -> None:
    """Parse a command, or a subcommand."""
    first, *rest = arguments
    if first.startswith("-"):
        assert not command.make_context("makiserve", arguments).args
    else:
        subcommand = command.get_command(click.Context(command), first)
        assert subcommand, f"there is no command {first}"
        subcommand.make_context(first, rest)
