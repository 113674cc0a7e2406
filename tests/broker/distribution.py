"""Where Kafka's jars come from and how a Java program of theirs is run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "kafka"
POM = HERE / "pom.xml"
NEEDS = (
    "A real broker needs java (17 or newer) and mvn: apt-get install openjdk-17-jre-headless maven, "
    "or set KAFKA_BOOTSTRAP_SERVERS to a running one."
)

# C1 alone and the serial collector: a broker lives for seconds, what counts is how soon it is there.
JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class CannotInstall(Exception):
    """Java, mvn or Maven Central is out of reach; the message says what is missing."""


@dataclass(frozen=True)
class Distribution:
    """An installed Kafka.

    Attributes:
        home: the folder it is in, named after the digest of pom.xml: another version is another folder.
    """

    home: Path

    @classmethod
    def cached(cls) -> Distribution:
        """The one that pom.xml describes, installed or not."""
        return cls(CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:12])

    @property
    def bootstrap(self) -> Path:
        """The first metadata records of a cluster: without them it has no `transaction.version=2`."""
        return self.home / "bootstrap.checkpoint"

    @property
    def classes(self) -> Path:
        """The class-data archive, classes as the JVM maps them: it halves the time and the CPU of a start."""
        return self.home / "classes.jsa"

    def java(self, main: str, *arguments: str, jvm: tuple[str, ...] = ()) -> list[str]:
        """The command that runs one of Kafka's main classes."""
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return ["java", *JVM, *jvm, logging, "-cp", f"{self.home / 'jars'}/*", main, *arguments]


def fetch(distribution: Distribution) -> None:
    """Copies the jars from Maven Central, then formats one node to keep its bootstrap records.

    Raises:
        CannotInstall: java or mvn is missing, or failed.
    """
    shutil.rmtree(distribution.home, ignore_errors=True)
    jars = distribution.home / "jars"
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}")
    _run("mvn", "-B", "-q", "-f", str(POM), *goal)
    data = distribution.home / "formatted"
    properties = distribution.home / "format.properties"
    properties.write_text(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:9093\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\ncontroller.listener.names=CONTROLLER\n"
        f"log.dirs={data}\n"
    )
    _run(*distribution.java("kafka.tools.StorageTool", "format", "-t", "0" * 22, "-c", str(properties)))
    (data / "bootstrap.checkpoint").rename(distribution.bootstrap)


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        raise CannotInstall(f"{command[0]} is not installed. {NEEDS}") from error
    except subprocess.CalledProcessError as error:
        raise CannotInstall(f"{command[0]} failed. {NEEDS} It said:\n{error.stdout[-2000:]}") from error
