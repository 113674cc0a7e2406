"""Kafka's jars: downloaded through Maven Central, run by Java."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from makiserve.errors import ConfigurationError

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
NEEDS = (
    "The broker needs Java 17 or newer and Maven, and Maven Central at the first start. Install them, for example with "
    "apt-get install openjdk-17-jre-headless maven; or use a Kafka that is already running."
)

# The first compiler and the serial collector only: a broker lives for seconds, and must start quickly.
JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class CannotInstall(ConfigurationError):
    """Java, Maven or Maven Central is missing; the message names it."""


def cache() -> Path:
    """Return the folder in which downloads are kept: `$XDG_CACHE_HOME/makiserve/kafka`, usually in `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "makiserve" / "kafka"


@dataclass(frozen=True)
class KafkaDistribution:
    """An installed Kafka.

    Attributes:
        home: its folder, which is named by the digest of pom.xml, so that each version has its own.
    """

    home: Path

    @classmethod
    def cached(cls) -> KafkaDistribution:
        """Return the distribution that pom.xml describes, which may not be installed yet."""
        return cls(cache() / hashlib.sha256(POM.read_bytes()).hexdigest()[:12])

    @property
    def complete(self) -> Path:
        """The file that exists once everything is installed."""
        return self.home / "complete"

    @property
    def bootstrap(self) -> Path:
        """The first metadata records of a cluster. Without them it lacks `transaction.version=2`."""
        return self.home / "bootstrap.checkpoint"

    @property
    def classes(self) -> Path:
        """The archive of loaded classes, which the JVM maps into memory. It halves the time and the CPU of a start."""
        return self.home / "classes.jsa"

    def java(self, main: str, *arguments: str, jvm: tuple[str, ...] = ()) -> list[str]:
        """Return the command that runs one of Kafka's main classes."""
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return ["java", *JVM, *jvm, logging, "-cp", f"{self.home / 'jars'}/*", main, *arguments]


def fetch(distribution: KafkaDistribution) -> None:
    """Copy the jars from Maven Central, then format one node to keep its bootstrap records.

    Raises:
        CannotInstall: Java or Maven is missing, or failed.
    """
    shutil.rmtree(distribution.home, ignore_errors=True)
    jars = distribution.home / "jars"
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}")
    run("mvn", "-B", "-q", "-f", str(POM), *goal)
    data = distribution.home / "formatted"
    properties = distribution.home / "format.properties"
    properties.write_text(
        "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:9093\n"
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\ncontroller.listener.names=CONTROLLER\n"
        f"log.dirs={data}\n"
    )
    run(*distribution.java("kafka.tools.StorageTool", "format", "-t", "0" * 22, "-c", str(properties)))
    (data / "bootstrap.checkpoint").rename(distribution.bootstrap)


def run(*command: str) -> None:
    """Run a program of Java or Maven.

    Raises:
        CannotInstall: it is missing, or failed.
    """
    try:
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError as error:
        raise CannotInstall(f"{command[0]} is not installed. {NEEDS}") from error
    except subprocess.CalledProcessError as error:
        raise CannotInstall(f"{command[0]} failed. {NEEDS} The end of its output:\n{error.stdout[-2000:]}") from error
