"""On the driver: plan the computation of a data frame's features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StringType, StructField, StructType

from makiserve.errors import ArgumentError, ConfigurationError, DecodeError, SourceError
from makiserve.records import Record
from makiserve.scoring import Batch
from makiserve.spark.executor import DEAD_LETTER
from makiserve.spark.job import ExecutorPackage, Opened, SparkJob, Time
from makiserve.spark.packages import opened, package_of
from makiserve.spark.result_columns import OutputColumns, columns_of
from makiserve.spark.rows import RecordReader, fields_of
from makiserve.stream.engine.advice import warn_of_running_windows
from makiserve.stream.engine.trace import Transform

SAMPLES = (1_000, 100_000)
"""The numbers of rows that are tried, in this order, to find the columns of the result."""

EMIT_FROM = {
    "timestamp": (datetime,),
    "timestamp_ntz": (datetime,),
    "date": (date,),
    **dict.fromkeys(("byte", "short", "integer", "long", "float", "double", "decimal"), (int, float, Decimal)),
}
"""The types of a time column, as Spark names them, each with the Python types of `emit_from`."""


def features(
    df: DataFrame,
    *,
    features: Callable[[], Transform],
    record: type[Record],
    key: str,
    time: str,
    tie_by: str | Sequence[str] = (),
    emit_from: Time | None = None,
) -> DataFrame:
    """Return the features that a live stream of a data frame's rows would emit, in the order of time.

    Each value of `key` is a lane with its own state, as a key is in its partition of a Kafka topic. The result has the
    same features as `makiserve.features_frame(…, lane_by=key)` on the sorted rows, for any number of partitions, any
    size of the Arrow batches, and rows in any order.

    The computation is lazy, except for a small job that reads the first rows to find the columns of the result. It
    sends the source files of the pipeline to the executors, on which makiserve must be installed.

    Args:
        df: the rows. The columns that the record declares are read by the same rules as from a Parquet file.
        features: the pipeline's factory, a function at the top level of a module.
        record: the type of the records, also at the top level of a module.
        key: the column whose values are the lanes. It may be a column that the record does not declare.
        time: the column that orders the rows of a lane: a timestamp, a date or a number.
        tie_by: the columns that order rows of a lane with the same time. Without them such rows are an error.
        emit_from: the time of the first row whose features are returned. Earlier rows only fill the state. A datetime
            without a zone is in UTC if the column has a zone.

    Returns:
        The columns `key`, `time` and `tie_by` of the record that caused the features; a column for each feature, with
        the type of its annotation; and `dead_letter`, a struct of reason and error. A record that could not be
        processed is a row with a dead letter and without features. All other rows have no dead letter:
        `.where("dead_letter is null")`.

    Raises:
        ArgumentError: a column does not exist or has no order, or two columns of the result would have the same name.
        SourceError: the data frame lacks a field of the record. When the result is computed: a key or a time is null,
            or rows have the same place in the order.
        ConfigurationError: the pipeline's source cannot be sent to another process, or the pipeline emits nothing for
            the first rows.
        PipelineError: the pipeline cannot be traced.

    Warns:
        PipelineWarning: a window's pipeline emits several rows for each record.
    """
    pipeline = opened(features, record)
    warn_of_running_windows(pipeline.scorer.plans[0], stacklevel=2)
    rows = _OrderedRows(df, pipeline, key, time, tie_by, emit_from)
    return rows.computed(package_of(features, record), rows.output_columns())


def score(
    df: DataFrame,
    model: str,
    *,
    key: str,
    time: str,
    tie_by: str | Sequence[str] = (),
    emit_from: Time | None = None,
    emit: str | Sequence[str] = (),
) -> DataFrame:
    """Return the outputs that a service of a model would publish for a data frame's rows, in the order of time.

    The features and the predictions are computed in one pass, with the pipeline that the model was packaged with. The
    lanes, the order and the dead letters are those of `features`. The result has the same values as
    `makiserve.replay(model, …, lane_by=key)` on the sorted rows. A model that uses BLAS may differ in the last bits.

    The model is loaded here, and sent to the executors as a file. Each of them checks that it reproduces its reference
    outputs, as a service does at its start.

    Args:
        df: as for `features`.
        model: the URI of a packaged model or of a packaged pipeline: models:/name@alias, models:/name/1, runs:/…/model
            or a path. The version of an alias is fixed by this call.
        key: as for `features`.
        time: as for `features`.
        tie_by: as for `features`.
        emit_from: as for `features`.
        emit: the content of an output, as for a service: `prediction`, `features`, `record`, or single fields such as
            `record.house`. Empty for the prediction; without a model, the features.

    Returns:
        The columns `key`, `time` and `tie_by`; a column for each part of an output, of which `features` and `record`
        are structs; and `dead_letter`, as for `features`.

    Raises:
        ArgumentError: as for `features`.
        SourceError: as for `features`.
        ConfigurationError: the model does not exist, or `emit` names a part that does not exist.
        ModelRefused: the model must not serve here. When the result is computed: not on an executor.
    """
    from makiserve.spark.models import open_model, send_model

    loaded = open_model(model, (emit,) if isinstance(emit, str) else tuple(emit))
    rows = _OrderedRows(df, loaded, key, time, tie_by, emit_from)
    columns = rows.output_columns(loaded.model.sample)
    return rows.computed(send_model(df.sparkSession, loaded.model), columns)


class _OrderedRows:
    """The rows of a data frame, with the lanes and the order that the user named.

    Args:
        df: the data frame.
        opened: the pipeline, or the model, for this process.
        key: as for `features`.
        time: as for `features`.
        tie_by: as for `features`.
        emit_from: as for `features`.
    """

    def __init__(
        self, df: DataFrame, opened: Opened, key: str, time: str, tie_by: str | Sequence[str], emit_from: Time | None
    ) -> None:
        if not hasattr(df, "mapInArrow"):
            raise ArgumentError("df", type(df).__name__, "not a Spark data frame: use makiserve.features_frame")
        self._opened = opened
        self._key, self._time = key, time
        self._tie_by = (tie_by,) if isinstance(tie_by, str) else tuple(tie_by)
        self._emit_from = emit_from
        place = (("key", key), ("time", time), *(("tie_by", name) for name in self._tie_by))
        for argument, name in place:
            if name not in df.columns:
                raise ArgumentError(argument, name, f"not a column of the data frame; it has {', '.join(df.columns)}")
        self._is_case_sensitive = df.sparkSession.conf.get("spark.sql.caseSensitive") == "true"
        _check_time(df.schema[time], emit_from)
        if same := self._same([name for _, name in place]):
            name = same[1]
            argument = {column: parameter for parameter, column in place}[name]
            raise ArgumentError(argument, name, "this column is already the key, the time or a tie: name another one")
        names = dict.fromkeys([key, time, *self._tie_by, *fields_of(df.columns, opened.schema)])
        selected = {self._identity(name) for name in names}
        if same := self._same([name for name in df.columns if self._identity(name) in selected]):
            raise SourceError(
                f"the data frame has the columns {same[0]!r} and {same[1]!r}, which are the same name for Spark: "
                "rename or drop one of them, or set spark.sql.caseSensitive to true"
            )
        self._df = df.select(*map(_quoted, names))

    def output_columns(self, sample: Sequence[Record] = ()) -> OutputColumns:
        """Return the columns of the outputs, found by scoring sample records or the first rows of the data frame.

        Raises:
            ConfigurationError: the first rows have no output.
        """
        scorer = self._opened.scorer
        for records in self._samples(sample):
            (scored,) = scorer.score([Batch(scorer.new_lane(), records)])
            if scored.published:
                return columns_of(self._opened.form, scored, self._opened.schema.record, records)
        first = f". The first error: {scored.dead[0][1]}" if scored.dead else ""
        raise ConfigurationError(
            f"the pipeline emits nothing for the first {len(records):,} rows of the data frame, so the columns of the "
            f"result are unknown{first}"
        )

    def _samples(self, sample: Sequence[Record]) -> Iterator[Sequence[Record | DecodeError]]:
        if sample:
            yield sample
        for limit in SAMPLES:
            table = self._df.limit(limit).toArrow()
            reader = RecordReader(self._opened.schema, table.column_names)
            yield [record for batch in table.to_batches() for record in reader.records(batch)]
            if table.num_rows < limit:
                return

    def computed(self, package: ExecutorPackage, columns: OutputColumns) -> DataFrame:
        """Return the data frame with the outputs and dead letters."""
        job = SparkJob(package, self._key, self._time, self._tie_by, self._emit_from, columns)
        place = [self._df.schema[name] for name in job.place]
        dead_letter = StructType([StructField("reason", StringType()), StructField("error", StringType())])
        fields = [*place, *from_arrow_schema(columns.schema).fields, StructField(DEAD_LETTER, dead_letter)]
        self._check_names([field.name for field in fields], job.place)
        for column in columns.columns:
            self._check_names([field.name for field in column.fields])
        lanes = self._df.repartition(_quoted(self._key)).sortWithinPartitions(*map(_quoted, job.place))
        return lanes.mapInArrow(job.task(), StructType(fields))

    def _identity(self, name: str) -> str:
        """Return what Spark compares a name by."""
        return name if self._is_case_sensitive else name.lower()

    def _same(self, names: Sequence[str]) -> tuple[str, str] | None:
        """Return the first two names that are the same name for Spark; None if it distinguishes all."""
        known: dict[str, str] = {}
        for name in names:
            if (first := known.get(self._identity(name))) is not None:
                return first, name
            known[self._identity(name)] = name
        return None

    def _check_names(self, names: Sequence[str], place: Sequence[str] = ()) -> None:
        """Raise an error if Spark could not distinguish the columns of the result."""
        if (same := self._same(names)) is None:
            return
        first, second = same
        if first in place:
            raise ArgumentError(
                ("key", "time", "tie_by")[min(place.index(first), 2)],
                first,
                f"the outputs also have a column {second!r}. Give the column of the lanes or of the order another "
                f"name, df.withColumn('other', df[{first!r}]), or rename the feature",
            )
        raise ConfigurationError(
            f"the result would have the columns {first!r} and {second!r}, which are the same name for Spark: rename "
            "the feature, or set spark.sql.caseSensitive to true if they differ in case"
        )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _check_time(column: Any, emit_from: Time | None) -> None:
    kind = column.dataType.typeName()
    kinds = EMIT_FROM.get(kind.partition("(")[0])
    if kinds is None:
        raise ArgumentError(
            "time",
            column.name,
            f"a column of type {kind} does not order the rows by time: convert it to a timestamp, a date or a number",
        )
    if emit_from is None:
        return
    is_time = isinstance(emit_from, datetime)
    has_zone = is_time and getattr(emit_from, "tzinfo", None) is not None
    if not isinstance(emit_from, kinds) or (kind == "date" and is_time) or (kind == "timestamp_ntz" and has_zone):
        raise ArgumentError(
            "emit_from", emit_from, f"not a value of the time column {column.name}, whose type is {kind}"
        )
