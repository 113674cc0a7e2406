"""`makiserve build`: build an image that contains a model."""

from __future__ import annotations

import re
from pathlib import Path

import click

from makiserve.building import BASE, find_engine, write_context
from makiserve.cli.options import Command
from makiserve.errors import ConfigurationError

HELP = """Build an image with a model and its requirements, for clusters that cannot reach the registry.

\b
makiserve build --model models:/house@champion --tag house:3
docker run --read-only --tmpfs /tmp house:3 --input house --output house.predictions --bootstrap-servers …

The build context is written to a folder. If docker, podman or buildah is installed, the image is built from it.
"""


@click.command(cls=Command, help=HELP)
@click.option(
    "--model",
    required=True,
    metavar="URI",
    help="The model: runs:/…/model, models:/name@alias, models:/name/1 or a path.",
)
@click.option("--tag", required=True, metavar="NAME", help="The tag of the image.")
@click.option(
    "--context",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The folder for the build context. [TAG.image]",
)
@click.option("--base", default=BASE, metavar="IMAGE", help=f"The serving image of this version of makiserve. [{BASE}]")
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="NAME=FILE",
    help="A file that is available only during the build: pip.conf, or ca.pem, which pip.conf can refer to as "
    "/run/secrets/ca.pem; repeatable.",
)
def build(model: str, tag: str, context: Path | None, base: str, secrets: tuple[str, ...]) -> None:
    """Write the build context and build the image."""
    files = dict(_named(secret) for secret in secrets)
    written = write_context(model, context or Path(re.sub(r"[^\w.-]", "-", tag) + ".image"), base=base)
    if engine := find_engine():
        engine.build(written.directory, tag, secrets=files)
        print(f"built {tag} with {engine.name} from {written.directory}")
    else:
        print(f"wrote {written.directory}. No docker, podman or buildah is installed; build the image with:")
        print(f"  docker build --tag {tag} {written.directory}")


def _named(secret: str) -> tuple[str, Path]:
    name, _, file = secret.partition("=")
    if name not in ("pip.conf", "ca.pem") or not Path(file).is_file():
        raise ConfigurationError(f"--secret {secret}: expected pip.conf=FILE or ca.pem=FILE, and the file must exist")
    return name, Path(file)
