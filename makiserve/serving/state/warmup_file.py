"""Warm up partitions from a file: its records restore state without output before the first one of the topic."""

from __future__ import annotations

import logging
from pathlib import Path

from makiserve.errors import ConfigurationError
from makiserve.records import RecordFile, Schema
from makiserve.scoring import Batch, Lane, Scorer
from makiserve.stream.columns.engine_choice import parts_of

logger = logging.getLogger(__name__)

PLACE = "{partition}"


class WarmupFile:
    """A file of records that precede the first one of a partition.

    Args:
        pattern: a CSV or JSON lines file for all partitions, or with `{partition}` in its name one for each.
        partitions: number of partitions of the input.
        schema: schema of the records.
        scorer: a separate scorer, because that of the service is busy with other partitions.

    Raises:
        ConfigurationError: one file would mix the state of several partitions, or a file is missing.
    """

    def __init__(self, pattern: str, partitions: int, schema: Schema, scorer: Scorer) -> None:
        self._pattern, self._schema, self._scorer = pattern, schema, scorer
        is_keyed = all(parts_of(checkpoints).is_keyed for checkpoints in self._scorer.checkpoints)
        if partitions > 1 and PLACE not in pattern and not is_keyed:
            raise ConfigurationError(
                f"--warm-up {pattern}: the input has {partitions} partitions, and the pipeline keeps state "
                f"without group_by: give a file for each partition, with {PLACE} in the name"
            )
        for number in range(partitions):
            if not self.path(number).is_file():
                raise ConfigurationError(f"--warm-up {pattern}: {self.path(number)} does not exist")

    def lane(self, partition: int) -> Lane:
        """Return a lane that has processed the file.

        Raises:
            SourceError: the file does not have the format that its name implies.
        """
        lane, records = self._scorer.new_lane(), 0
        for block in RecordFile(self.path(partition), self._schema):
            self._scorer.rebuild(Batch(lane, block))
            records += len(block)
        logger.info("partition %d: warmed up with %d records of %s", partition, records, self.path(partition))
        return lane

    def path(self, partition: int) -> Path:
        """Return the file of a partition."""
        return Path(self._pattern.replace(PLACE, str(partition)))
