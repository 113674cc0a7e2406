"""The build context that `makiserve build` writes, and the models that it refuses."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from makiserve.building import engine as engines
from makiserve.building.context import requirements, write_context
from makiserve.cli import build as command_file
from makiserve.cli.main import command
from makiserve.errors import ConfigurationError
from makiserve.settings import SECTIONS, given_by_file, options
from makiserve.version import __version__

REQUIREMENTS = f"mlflow==3.17.0\nscikit-learn==1.9.1 # inferred\nmakiserve=={__version__}\n-r more.txt\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Files that look like those of a model: nothing of them is loaded."""
    directory = tmp_path / "model"
    (directory / "makiserve").mkdir(parents=True)
    (directory / "MLmodel").write_text("flavors: {}\n")
    (directory / "makiserve" / "profile.json").write_text("{}")
    (directory / "requirements.txt").write_text(REQUIREMENTS)
    return directory


def test_context_has_model_requirements_and_configuration(model: Path, tmp_path: Path) -> None:
    written = write_context(str(model), tmp_path / "context", base="makiserve:9")
    files = {str(path.relative_to(written.directory)) for path in written.directory.rglob("*") if path.is_file()}
    assert files == {
        *("Dockerfile", "requirements.txt", "makiserve.toml"),
        *("model/MLmodel", "model/requirements.txt", "model/makiserve/profile.json"),
    }
    dockerfile = (written.directory / "Dockerfile").read_text()
    assert "ARG BASE=makiserve:9\n" in dockerfile
    assert dockerfile.rstrip().endswith("USER 10001:10001")
    assert f'makiserve.model="{model}"' in dockerfile


def test_context_configuration_is_valid(model: Path, tmp_path: Path) -> None:
    write_context(str(model), tmp_path / "context")
    known = [option for section in SECTIONS for option in options(section)]
    given = given_by_file(known, tmp_path / "context" / "makiserve.toml")
    assert [(key.option.key, value.text) for key, value in given.items()] == [("model", "/srv/model")]


def test_requirements_are_those_of_the_model() -> None:
    assert requirements(REQUIREMENTS.splitlines()) == ["mlflow-skinny==3.17.0", "scikit-learn==1.9.1", "-r more.txt"]


def test_a_folder_with_something_in_it_is_left_alone(model: Path, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "mine").write_text("")
    with pytest.raises(ConfigurationError, match="is not an empty directory: remove it, or choose another --context"):
        write_context(str(model), tmp_path / "context")
    assert [path.name for path in (tmp_path / "context").iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("files", "message"), [(None, "directory does not exist"), ("notes.txt", "it has no file MLmodel")]
)
def test_context_of_a_non_model_is_refused(files: str | None, message: str, tmp_path: Path) -> None:
    if files:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / files).write_text("")
    with pytest.raises(ConfigurationError, match=message):
        write_context(str(tmp_path / "model"), tmp_path / "context")
    assert not (tmp_path / "context").exists()


def test_build_without_an_engine_prints_the_next_step(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_file, "find_engine", lambda: None)
    monkeypatch.chdir(tmp_path)
    command.main(["build", "--model", str(model), "--tag", "registry.example/house:3"], standalone_mode=False)
    assert "docker build --tag registry.example/house:3 registry.example-house-3.image" in capsys.readouterr().out
    assert (tmp_path / "registry.example-house-3.image" / "Dockerfile").is_file()


def test_unknown_build_secret_is_refused(tmp_path: Path) -> None:
    arguments = ["build", "--model", "x", "--tag", "x", "--secret", "token=/nowhere"]
    with pytest.raises(ConfigurationError, match=r"expected pip\.conf=FILE or ca\.pem=FILE"):
        command.main(arguments, standalone_mode=False)
    with pytest.raises(click.UsageError, match="tag"):
        command.main(["build", "--model", "x"], standalone_mode=False)


def program(directory: Path, name: str, code: str) -> None:
    (directory / name).write_text(f"#!/bin/sh\n{code}\n")
    (directory / name).chmod(0o755)


def test_an_engine_that_does_not_work_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engines.find_engine() is None
    program(tmp_path, "docker", "exit 1")
    program(tmp_path, "buildah", "exit 0")
    assert engines.find_engine() == engines.Engine("buildah")


def test_a_build_that_fails_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "podman", 'echo "$@"; echo no space left >&2; exit 1')
    with pytest.raises(ConfigurationError, match="so the image house:3 was not built") as refused:
        engines.Engine("podman").build(Path("here"), "house:3", secrets={"ca.pem": Path("/ca")}, arguments={"A": "1"})
    assert "--tag house:3" in str(refused.value)
    assert "--secret id=ca.pem,src=/ca --build-arg A=1 here" in str(refused.value)
    assert "no space left" in str(refused.value)
