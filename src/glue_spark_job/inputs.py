"""The source of the transformation: the rows that the Python stage staged, as a view under the contract's name."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from glue_spark_job.contract import Table
from glue_spark_job.errors import JobError
from glue_spark_job.rules import quoted
from glue_spark_job.spark_errors import explained
from glue_spark_job.storage import ParquetFile, Storage, hadoop_uri

# Reading a footer from S3 is all latency: several at a time.
_FOOTER_READERS = 8


def parquet_files(storage: Storage, directory: str) -> list[ParquetFile]:
    """The Parquet files below `directory` with their rows, sorted by URI."""
    files = storage.files(directory)
    if not files:
        return []
    with ThreadPoolExecutor(min(_FOOTER_READERS, len(files))) as pool:
        return list(pool.map(storage.parquet_file, files))


def staged_files(storage: Storage, staged_uri: str, rows: int, manifest_uri: str) -> list[ParquetFile]:
    """The staged files. Raises JobError where they do not hold the `rows` that the Python stage recorded."""
    files = parquet_files(storage, staged_uri)
    found = sum(file.rows for file in files)
    if found != rows:
        raise JobError(
            f"{found} rows are staged in {len(files)} files below {staged_uri}, but {manifest_uri} says rows_out "
            f"{rows}; run the Python stage of this job again"
        )
    return files


def register_source(spark: SparkSession, source: Table, files: Sequence[ParquetFile], staged_uri: str) -> None:
    """Makes the view of the staged rows, columns and types as the contract has them.

    Raises JobError for a column that is missing or cannot be of the declared type.
    """
    types = {column.name: column.spark_type for column in source.columns}
    if not files:
        schema = ", ".join(f"{quoted(name)} {kind}" for name, kind in types.items())
        spark.createDataFrame([], schema).createOrReplaceTempView(quoted(source.name))
        return
    what = f"source {source.name}, staged below {staged_uri}"
    with explained(what):
        staged = spark.read.option("recursiveFileLookup", True).parquet(hadoop_uri(staged_uri))
        found = dict(staged.dtypes)
        missing = [name for name in types if name not in found]
        if missing:
            raise JobError(
                f"{what}: column {', '.join(missing)} is missing; found: {', '.join(found)}; "
                "run the Python stage of this job again"
            )
        columns = [
            F.col(quoted(name)) if found[name] == kind else F.col(quoted(name)).cast(kind).alias(name)
            for name, kind in types.items()
        ]
        staged.select(*columns).createOrReplaceTempView(quoted(source.name))
