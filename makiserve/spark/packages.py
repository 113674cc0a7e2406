"""How code travels to the executors: as the source files of a pipeline, or as a packaged model."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from platform import python_version
from typing import NamedTuple

from makiserve.artifact.environment import differences, requirements
from makiserve.artifact.source.collect import collect
from makiserve.artifact.source.finder import forget_other_versions, importable, named, shadowed
from makiserve.artifact.source.sources import Sources
from makiserve.errors import ModelRefused
from makiserve.records import Record, Schema
from makiserve.scoring import Outputs, Scorer
from makiserve.stream.engine.trace import Transform, check_factory, trace_factory

logger = logging.getLogger(__name__)


class OpenedPipeline(NamedTuple):
    """A pipeline that is ready to compute features in this process."""

    scorer: Scorer
    schema: Schema
    form: Outputs


def opened(features: Callable[[], Transform], record: type[Record]) -> OpenedPipeline:
    """Return a pipeline with its record type, compiled.

    Raises:
        PipelineError: the pipeline cannot be traced, or `record` is not a record type.
    """
    form = Outputs(record, (), has_model=False, has_post=False)
    return OpenedPipeline(Scorer(trace_factory(features)), Schema(record), form)


@dataclass(frozen=True)
class PipelinePackage:
    """The source files of a pipeline.

    Attributes:
        sources: the files.
        entry_point: `module:function` of the pipeline's factory.
        record: `module:Class` of the record type.
        fingerprint: the fingerprint of the pipeline as the driver has traced it.
        requirements: the packages that it imports, in the versions of the driver.
        python_version: the driver's.
    """

    sources: Sources
    entry_point: str
    record: str
    fingerprint: str
    requirements: tuple[str, ...]
    python_version: str

    def open(self) -> OpenedPipeline:
        """Import the pipeline from its source files and compile it.

        Raises:
            ModelRefused: it cannot be imported here, or is not the pipeline of the driver.
        """
        mismatches = differences(self.requirements, self.python_version)
        for difference in mismatches:
            logger.warning("%s: the environment of this executor differs: %s", self.entry_point, difference)
        hint = "".join(f"\n  environment: {difference}" for difference in mismatches)
        if hidden := shadowed(self.sources):
            raise ModelRefused(f"{self.entry_point}: {hidden}, which it would replace on the executor: rename it")
        forget_other_versions(self.sources)
        folder = Path(tempfile.gettempdir(), f"makiserve-{self.sources.digest[:12]}")  # need not exist
        with importable(self.sources, folder):
            try:
                pipeline = opened(named(self.entry_point), named(self.record))
            except Exception as error:
                raise ModelRefused(
                    f"{self.entry_point} cannot run on this executor: {type(error).__name__}: {error}{hint}"
                ) from error
        if pipeline.scorer.fingerprint != self.fingerprint:
            raise ModelRefused(
                f"{self.entry_point}() does not build the same pipeline on this executor as on the driver, although "
                f"its source is the same: it depends on something else, such as an environment variable{hint}"
            )
        return pipeline


def package_of(features: Callable[[], Transform], record: type[Record]) -> PipelinePackage:
    """Collect the source files of a pipeline, as `log_model` does.

    Raises:
        ConfigurationError: an executor could not import it. The message contains what to do.
    """
    check_factory(features, "features")
    collected = collect(features, record)
    return PipelinePackage(
        collected.sources,
        collected.entry_point,
        collected.record,
        opened(features, record).scorer.fingerprint,
        tuple(requirements(collected.imports)),
        python_version(),
    )
