"""Writes the output tables as Parquet that Redshift's COPY reads, and checks what was written.

What the files are like, and why:
- snappy: what Redshift's own UNLOAD writes; zstd made the flights 12 % smaller for more CPU, and COPY reads them once.
- TIMESTAMP_MICROS, not INT96: the type of the Parquet standard, with statistics; INT96 is deprecated.
- no _SUCCESS and no .crc: COPY reads a prefix, and the manifest is the sign of success.
- at least one file, even without rows, since COPY fails on an empty prefix.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from glue_spark_job import rules
from glue_spark_job.contract import Table
from glue_spark_job.inputs import parquet_files
from glue_spark_job.spark_errors import explained
from glue_spark_job.storage import ParquetFile, Storage, hadoop_uri

COMPRESSION = "snappy"
# Up to this much staged Parquet, a table is at most two files, written by the tasks that compute it.
_SMALL_INPUT_BYTES = 32 * 1024 * 1024
_SMALL_FILES = 2
# For more, Spark repartitions the rows by the sizes that it measures in a shuffle. A shuffle holds rows, which takes
# about 6 times (flights) the bytes of Parquet: so files grow to 128 MB and more, and are not cut below 10 MB, while in
# between every core gets one. COPY is content with 1 MB to 1 GB.
_LARGE_SETTINGS = {
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "768m",
    "spark.sql.adaptive.coalescePartitions.minPartitionSize": "64m",
}


def empty(storage: Storage, uris: Mapping[str, str]) -> None:
    """Empties the output directories, where an earlier attempt may have left files."""
    for uri in uris.values():
        storage.delete(uri)


def prepare(spark: SparkSession, staged_bytes: int) -> None:
    """Sets what Spark needs for files of a good size, unless spark-submit set it."""
    if staged_bytes > _SMALL_INPUT_BYTES:
        for name, value in _LARGE_SETTINGS.items():
            if spark.conf.get(name, None) is None:
                spark.conf.set(name, value)


def write(
    spark: SparkSession, storage: Storage, table: Table, frame: DataFrame, uri: str, staged_bytes: int
) -> list[ParquetFile]:
    """Writes `frame` below `uri`, which is empty, and returns the files.

    Raises JobError, naming the table, where a value cannot be cast or a rule of the contract does not hold.
    """
    what = f"table {table.name}"
    spark.sparkContext.setJobDescription(f"write {what}")
    sized = frame.coalesce(_SMALL_FILES) if staged_bytes <= _SMALL_INPUT_BYTES else frame.hint("rebalance")
    with explained(what):
        (
            sized.write.option("compression", COMPRESSION)
            .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
            .parquet(hadoop_uri(uri))
        )
    storage.delete_hidden(uri)
    _check(spark, table, frame, uri, what)
    return parquet_files(storage, uri)


def _check(spark: SparkSession, table: Table, frame: DataFrame, uri: str, what: str) -> None:
    """Counts the rows that break a rule, in what was written: that costs less than counting while it is computed."""
    its_rules = rules.of(table)
    if not its_rules:
        return
    spark.sparkContext.setJobDescription(f"check {what}")
    written = spark.read.schema(frame.schema).parquet(hadoop_uri(uri))
    with explained(what):
        row = written.agg(F.array(*[rule.breaches for rule in its_rules]).alias("counts")).collect()[0]
    rules.require(its_rules, row["counts"], what, "change transform.sql, or the contract")
