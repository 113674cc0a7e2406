"""A real schema registry, Apicurio's, from Maven Central: it speaks Confluent's API."""

from __future__ import annotations

import fcntl
import http.client
import subprocess
import tarfile
import time
from pathlib import Path
from types import TracebackType

from makiserve.testing.broker.jars import JVM, cache, run
from makiserve.testing.broker.kafka import free_ports

VERSION = "3.0.9"  # 3.3 needs Java 21
ARTIFACT = f"io.apicurio:apicurio-registry-app:{VERSION}:tar.gz:all"
API = "/apis/ccompat/v7"
START_S = 300.0


def install_registry() -> Path:
    """Return the jar of the registry. The first call downloads it, and concurrent calls wait for that.

    Raises:
        CannotInstall: Maven is missing, or failed.
    """
    home = cache().parent / "schema-registry" / VERSION
    home.mkdir(parents=True, exist_ok=True)
    jar = home / f"apicurio-registry-app-{VERSION}-runner.jar"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jar.exists():
            run("mvn", "-B", "-q", "dependency:copy", f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={home}")
            with tarfile.open(home / f"apicurio-registry-app-{VERSION}-all.tar.gz") as archive:
                archive.extractall(home, filter="data")  # the jar is the last thing in it
    return jar


class RegistryServer:
    """A registry with its schemas in memory, which can be killed and started again at the same address.

    As a context manager, it is started on entry and killed on exit.

    Args:
        jar: from `install_registry`.
        directory: the folder for its log.
    """

    def __init__(self, jar: Path, directory: Path) -> None:
        self._jar = jar
        self._log = directory / "registry.log"
        (self._port,) = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of Confluent's API."""
        return f"http://127.0.0.1:{self._port}{API}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it has ended, or does not answer in time; the end of its log is in it.
        """
        options = (f"-Dquarkus.http.port={self._port}", "-Dquarkus.http.host=127.0.0.1")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["java", *JVM, *options, "-jar", str(self._jar)],  # noqa: S607  the Java of the PATH, as for the broker
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"The registry exited, or does not answer.\n{self._log.read_text()[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill it, so that the schemas in its memory are lost."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> RegistryServer:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", f"{API}/schemas/types")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()
