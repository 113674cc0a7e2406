"""All commands of the tutorial work as described, on a real broker."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.integration.serving.service import read
from tests.terminal import new_terminal

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()
README = (ROOT / "README.md").read_text()
FILES = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)
SERVE = "makiserve --model models:/delay@champion --input"
TOPICS = ["flights", "flights.delays", "flights.delays.dead-letters", "makiserve.flights.delays.state"]


@pytest.fixture
def environment(kafka: str, admin: AdminClient, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A terminal in which makiserve is installed."""
    yield new_terminal(tmp_path, MAKISERVE_BOOTSTRAP_SERVERS=kafka)
    for deleted in admin.delete_topics(TOPICS).values():
        deleted.exception()  # one that the run did not come to is none


def test_tutorial_and_readme_have_the_same_code() -> None:
    assert [name for name, _ in FILES.findall(PAGE)] == ["features.py", "train.py"]
    assert FILES.findall(PAGE) == FILES.findall(README)


def errors(text: str) -> list[float]:
    """The RMSE of the model, of the mean and of the last value, as the first replay prints them."""
    match = re.search(r"^rmse +([\d.]+) +([\d.]+) +([\d.]+)$", text, re.MULTILINE)
    assert match
    return [float(number) for number in match.groups()]


def test_every_command_of_the_tutorial_runs(environment: dict[str, str], kafka: str, tmp_path: Path) -> None:
    for name, code in FILES.findall(PAGE):
        (tmp_path / name).write_text(code)
    service, shown = None, ""
    try:
        for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL):
            if block.startswith(SERVE):
                service = subprocess.Popen(shlex.split(block), cwd=tmp_path, env=environment)
                continue
            done = subprocess.run(["bash", "-ec", block], cwd=tmp_path, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
            shown += done.stdout
            if "models.flight_delay.produce" in block:
                assert service
                predictions = len((tmp_path / "predictions.csv").read_text().splitlines()) - 1
                read(kafka, "flights.delays", enough=predictions, timeout=180)
        assert service
        service.terminate()
        assert service.wait(60) == 0
    finally:
        if service and service.poll() is None:
            service.kill()
            service.wait()
    assert "flights: 55,875 messages sent" in shown
    assert re.findall(r"flights\[(\d)\] +agrees, offsets 0 to ", shown) == ["0", "1", "2"]
    assert errors(shown) == pytest.approx(errors(PAGE), rel=1e-3)
    assert (tmp_path / "report.html").read_text().startswith("<!")
