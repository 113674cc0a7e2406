"""`makiserve build`: an image with a model in it."""

from __future__ import annotations

import re
from pathlib import Path

import click

from makiserve.building import BASE, find_engine, write_context
from makiserve.errors import ConfigurationError

HELP = """Make an image that has the model and what it requires in it, for clusters that cannot reach the registry.

\b
makiserve build --model models:/house@champion --tag house:3
docker run --read-only --tmpfs /tmp house:3 --input house --output house.predictions --bootstrap-servers …

What it is made of is written to a folder first; where docker, podman or buildah is there, the image is built from it.
"""


@click.command(help=HELP)
@click.option(
    "--model", required=True, metavar="URI", help="runs:/…/model, models:/name@alias, models:/name/1 or a path."
)
@click.option("--tag", required=True, metavar="NAME", help="Of the image.")
@click.option(
    "--context",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where what it is made of is written. [TAG.image]",
)
@click.option("--base", default=BASE, metavar="IMAGE", help=f"The serving image, of this version. [{BASE}]")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=FILE",
    help="A file for the build alone: pip.conf, or ca.pem, that it may name as /run/secrets/ca.pem; repeatable.",
)
def build(model: str, tag: str, context: Path | None, base: str, secrets: tuple[str, ...]) -> None:
    """Write the folder, build the image."""
    files = dict(_named(each) for each in secrets)
    written = write_context(model, context or Path(re.sub(r"[^\w.-]", "-", tag) + ".image"), base=base)
    if engine := find_engine():
        engine.build(written.directory, tag, secrets=files)
        print(f"{tag}: built by {engine.name} from {written.directory}")
    else:
        print(f"{written.directory} is written; docker, podman or buildah, where there is one, makes the image of it:")
        print(f"  docker build --tag {tag} {written.directory}")


def _named(secret: str) -> tuple[str, Path]:
    name, _, file = secret.partition("=")
    if name not in ("pip.conf", "ca.pem") or not Path(file).is_file():
        raise ConfigurationError(f"--secret {secret}: expected pip.conf=FILE or ca.pem=FILE, of a file that is there")
    return name, Path(file)
