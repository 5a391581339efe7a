"""Writes the output tables as Parquet that Redshift's COPY reads, and checks what was written.

What the files are like, and why:
- snappy: what Redshift's own UNLOAD writes; zstd made the flights 12 % smaller for more CPU, and COPY reads them once.
- TIMESTAMP_MICROS, not INT96: the type of the Parquet standard, with statistics; INT96 is deprecated.
- no _SUCCESS and no .crc: COPY reads a prefix, and the manifest is the sign of success.
- at least one file, even without rows, since COPY fails on an empty prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from dataset_contract.model import JOB_ID_COLUMN, DataObject
from glue_spark_job import quality, sql
from glue_spark_job.inputs import parquet_files
from glue_spark_job.quality import Measured
from glue_spark_job.spark_errors import Computation, explained
from glue_spark_job.storage import ParquetFile, Storage, hadoop_uri

COMPRESSION = "snappy"
# Up to this much staged Parquet, a table is at most two files, written by the tasks that compute it.
_SMALL_INPUT_BYTES = 32 * 1024 * 1024
_SMALL_FILES = 2
# A larger table that only selects from a staged one is written as it is read: a task for up to 128 MB, for every core
# one, and none for less than this much.
_LEAST_READ_BYTES = 16 * 1024 * 1024
# For any other, Spark repartitions the rows by the sizes that it measures in a shuffle. A shuffle holds rows, which
# takes about 6 times (flights) the bytes of Parquet: so files grow to 128 MB and more, and are not cut below 10 MB,
# while in between every core gets one. COPY is content with 1 MB to 1 GB.
_LARGE_SETTINGS = {
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "768m",
    "spark.sql.adaptive.coalescePartitions.minPartitionSize": "64m",
}
# Nodes of a plan that give a row for each row that they get.
_STRAIGHT = ("Project", "SubqueryAlias", "View")


def tidy(storage: Storage, uris: Iterable[str], stage_run: str) -> None:
    """Deletes what other runs left below the output directories."""
    for uri in uris:
        for name in storage.names(uri):
            if name != stage_run:
                storage.delete(f"{uri}{name}")


def prepare(spark: SparkSession, staged_bytes: int) -> None:
    """Sets what Spark needs for files of a good size, unless spark-submit set it."""
    if staged_bytes > _SMALL_INPUT_BYTES:
        for name, value in _LARGE_SETTINGS.items():
            if spark.conf.get(name, None) is None:
                spark.conf.set(name, value)


@dataclass(frozen=True)
class Written:
    """A table that was written: its files, and what the contract's rules counted in them."""

    files: Sequence[ParquetFile]
    measured: Measured

    @property
    def rows(self) -> int:
        """The rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.bytes for file in self.files)


def write(
    spark: SparkSession, storage: Storage, table: DataObject, computed: Computation, uri: str, staged_bytes: int
) -> Written:
    """Write the table below `uri`, a directory of this run's own, and count what its rules are about.

    Raises JobError, naming the table, where a value cannot be computed or does not fit, or a row breaks a rule.
    """
    what = f"table {table.name}"
    frame = computed.frame
    spark.sparkContext.setJobDescription(f"write {what}")
    storage.write_no_checksums(uri)
    with explained(what, computed):
        (
            sized(frame, staged_bytes)
            .write.option("compression", COMPRESSION)
            .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
            .parquet(hadoop_uri(uri))
        )
    storage.delete_hidden(uri)
    required = quality.columns_without_nulls(table)
    files = parquet_files(storage, uri, required)
    nulls = {
        name: sum(file.nulls[name] for file in files) for name in required if all(name in file.nulls for file in files)
    }
    spark.sparkContext.setJobDescription(f"check {what}")
    written = spark.read.schema(frame.schema).parquet(hadoop_uri(uri))
    return Written(files, quality.count(written, table, sum(file.rows for file in files), nulls))


def sized(frame: DataFrame, staged_bytes: int) -> DataFrame:
    """The rows in tasks that each write a file of a good size."""
    if staged_bytes <= _SMALL_INPUT_BYTES:
        return frame.coalesce(_SMALL_FILES)
    read = _bytes_read_straight(frame)
    return frame.coalesce(max(_SMALL_FILES, read // _LEAST_READ_BYTES)) if read else frame.hint("rebalance")


def _bytes_read_straight(frame: DataFrame) -> int:
    """The size of the files whose rows are those of the frame, one by one; 0 where it filters, joins or groups rows."""
    node: Any = frame._jdf.queryExecution().analyzed()
    while (kind := node.getClass().getSimpleName()) in _STRAIGHT:
        node = node.child()
    return int(node.relation().sizeInBytes()) if kind == "LogicalRelation" else 0


def register(spark: SparkSession, table: DataObject, frame: DataFrame, uri: str) -> None:
    """Make the view of the table's name be what was written, for the sql rules: so nothing is computed twice."""
    written = spark.read.schema(frame.schema).parquet(hadoop_uri(uri)).drop(JOB_ID_COLUMN)
    written.createOrReplaceTempView(sql.identifier(table.name))
