"""What an executor needs to know, and the function that Spark sends to it."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import pyarrow as pa

from makiserve.records import Schema
from makiserve.scoring import Outputs, Scorer
from makiserve.spark.result_columns import OutputColumns
from makiserve.version import __version__

Time: TypeAlias = datetime | date | int | float | Decimal
"""A time in the type of its column."""


class Opened(Protocol):
    """A pipeline or a model that is ready to compute outputs in this process."""

    @property
    def scorer(self) -> Scorer: ...
    @property
    def schema(self) -> Schema: ...
    @property
    def form(self) -> Outputs: ...


class ExecutorPackage(Protocol):
    """A pipeline's code, or a model with it, on its way to the executors."""

    def open(self) -> Opened:
        """Open it in this process.

        Raises:
            ModelRefused: it cannot run here, or would give other results than on the driver.
        """


@dataclass(frozen=True)
class SparkJob:
    """One call of `features` or `score`.

    Attributes:
        package: the code to run.
        key: the column whose values are the lanes.
        time: the column that orders the rows of a lane.
        tie_by: the columns that order rows with the same time.
        emit_from: the time of the first row whose outputs are emitted; None for all.
        columns: the columns of the outputs.
    """

    package: ExecutorPackage
    key: str
    time: str
    tie_by: tuple[str, ...]
    emit_from: Time | None
    columns: OutputColumns

    @property
    def place(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return (self.key, self.time, *self.tie_by)

    def task(self) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        """Return the function for `mapInArrow`.

        It is nested, so that Spark sends its code and not its name. An executor without makiserve can then report what
        is missing.
        """
        data, version = pickle.dumps(self), __version__

        def run(batches: Any) -> Any:
            import sys

            try:
                from makiserve.spark.executor import run_partition
                from makiserve.version import __version__ as here
            except ImportError as error:
                raise RuntimeError(
                    f"makiserve cannot be imported on an executor ({sys.executable}): {error}. Install makiserve"
                    f"[spark]=={version} and the packages of the pipeline there, or send an environment with "
                    "spark.archives"
                ) from error
            if here != version:
                raise RuntimeError(
                    f"an executor has makiserve {here} ({sys.executable}), but the driver has {version}, so the "
                    "results could differ: install the same version"
                )
            return run_partition(data, batches)

        return run
