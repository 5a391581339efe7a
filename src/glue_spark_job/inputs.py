"""What transform.sql reads: the rows that the Python stage staged and checked, as views of the contract's names."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import types as T  # noqa: N812 (the name that Spark's documentation uses)

from dataset_contract.model import REFERENCE, DataObject
from glue_spark_job import exact, sql
from glue_spark_job.errors import JobError
from glue_spark_job.spark_errors import explained
from glue_spark_job.storage import ParquetFile, Storage, hadoop_uri

# Reading a footer from S3 is all latency: several at a time.
_FOOTER_READERS = 8
# A reference up to this size is read as one partition: Spark then groups it without a shuffle.
_ONE_PARTITION_BYTES = 32 * 1024 * 1024
AGAIN = "run the Python stage of this job again"


def parquet_files(storage: Storage, directory: str, nulls_of: Collection[str] = ()) -> list[ParquetFile]:
    """The Parquet files below `directory` with their rows, sorted by URI, and the nulls of some columns."""
    files = storage.files(directory)
    if not files:
        return []
    with ThreadPoolExecutor(min(_FOOTER_READERS, len(files))) as pool:
        return list(pool.map(partial(storage.parquet_file, nulls_of=nulls_of), files))


@dataclass(frozen=True)
class Staged:
    """What the Python stage says that it staged of a source or reference.

    Attributes:
        directory: the URI that the files are below; the run that the manifest is of wrote it, and no other.
        rows, bytes: of all files, as the manifest has them.
    """

    directory: str
    rows: object
    bytes: object


def staged_files(storage: Storage, table: DataObject, staged: Staged, manifest_uri: str) -> list[ParquetFile]:
    """The staged files of a source or reference.

    Args:
        storage: where they are.
        table: the source or reference.
        staged: what is recorded of them.
        manifest_uri: where it is.

    Raises:
        JobError: they are not those that are recorded, lack a column, or have one of another type.
    """
    files = parquet_files(storage, staged.directory)
    what = f"{table.role} {table.name}"
    for unit, recorded in (("rows", staged.rows), ("bytes", staged.bytes)):
        found = sum(getattr(file, unit) for file in files)
        if found != recorded:
            raise JobError(
                f"{what}: {found} {unit} in {len(files)} files below {staged.directory}, "
                f"but {manifest_uri} says {json.dumps(recorded)}; {AGAIN}"
            )
    for file in files:
        missing = [column.name for column in table.columns if column.name not in file.types]
        if missing:
            raise JobError(f"{what}: {file.uri} has no column {', '.join(missing)}; {AGAIN}")
        # Spark reads some types as others without a word: 2.50 of DECIMAL(10,2) as the BIGINT 250.
        for column in table.columns:
            type_ = file.types[column.name]
            if type_ != column.type.spark:
                raise JobError(
                    f"{what}: {file.uri} has column {column.name} as {type_}, the contract has {column.type.redshift} "
                    f"({column.type.spark}); {AGAIN}"
                )
    return files


def register(spark: SparkSession, table: DataObject, files: Sequence[ParquetFile], directory: str) -> None:
    """Make the view of the files' rows, columns and types as the contract has them. No Spark job is run."""
    # With the schema given, Spark does not run a job to find it.
    ddl = ", ".join(f"{sql.identifier(item.name)} {item.type.spark}" for item in table.columns)
    with explained(f"{table.role} {table.name}, staged below {directory}"):
        declared: Any = T._parse_datatype_string(ddl)
        marked = [exact.staged(field, item.type) for field, item in zip(declared.fields, table.columns, strict=True)]
        schema = T.StructType(marked)
        if not files:
            view = spark.createDataFrame([], schema)
        else:
            view = spark.read.schema(schema).option("recursiveFileLookup", True).parquet(hadoop_uri(directory))
            if table.role == REFERENCE and sum(file.bytes for file in files) <= _ONE_PARTITION_BYTES:
                view = view.coalesce(1)
        view.createOrReplaceTempView(sql.identifier(table.name))
