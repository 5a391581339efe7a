"""The reference objects of the contract: typed views over the files below <reference_uri><name>/.

Every value is read as it stands in the file and then cast. A value that is not of the declared type fails the job: as
a silent null it would go missing in a join, and nobody would know.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from functools import reduce

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)
from pyspark.sql.types import StringType, StructField, StructType

from glue_spark_job import rules
from glue_spark_job.contract import Column, Table
from glue_spark_job.errors import JobError
from glue_spark_job.rules import quoted
from glue_spark_job.spark_errors import explained
from glue_spark_job.storage import Storage, StoredFile, hadoop_uri

_EXTENSIONS = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json", "parquet": "parquet"}
_PACKED = re.compile(r"\.(gz|bz2|deflate)$")
# A reference up to this size is read as one partition: Spark then groups it, and checks its keys, without a shuffle.
_ONE_PARTITION_BYTES = 32 * 1024 * 1024


def register(spark: SparkSession, storage: Storage, table: Table, directory: str) -> None:
    """Makes the view of `table` over the files below `directory`.

    Raises JobError for a folder without files, files of several or unknown formats, and a missing column.
    """
    what = f"reference {table.name}"
    files = storage.files(directory)
    if not files:
        raise JobError(f"{what} has no file below {directory}; upload it as CSV, JSON lines or Parquet")
    kind = _format(files, what)
    with explained(f"{what} ({directory})"):
        raw = _read(spark, storage, kind, files, directory, table)
        missing = [column.name for column in table.columns if column.name not in raw.columns]
        if missing:
            raise JobError(
                f"{what}: column {', '.join(missing)} is missing below {directory}; found: {', '.join(raw.columns)}"
            )
        if sum(file.bytes for file in files) <= _ONE_PARTITION_BYTES:
            raw = raw.coalesce(1)
        null_values = table.null_values if kind == "csv" else None
        present = raw.select(*[_present(column, null_values).alias(column.name) for column in table.columns])
        typed = present.select(*[_typed(column, what).alias(column.name) for column in table.columns])
        typed.createOrReplaceTempView(quoted(table.name))


def check(spark: SparkSession, tables: Sequence[Table]) -> None:
    """Reads every reference once: each value has its type, and the contract's rules hold. One Spark action for all.

    A key that is not unique is found here because a join would multiply rows by it.
    """
    if not tables:
        return
    rules_of = {table.name: rules.of(table) for table in tables}
    counts = [_counts(spark.table(quoted(table.name)), table, rules_of[table.name]) for table in tables]
    try:
        found = {row["name"]: row["counts"] for row in reduce(DataFrame.unionAll, counts).collect()}
    except (PySparkException, Py4JJavaError):
        for table, its_counts in zip(tables, counts, strict=True):  # which of them it was
            with explained(f"reference {table.name}"):
                its_counts.collect()
        raise
    for name, its_rules in rules_of.items():
        advice = "correct its files, or the contract"
        rules.require(its_rules, found[name][: len(its_rules)], f"reference {name}", advice)


def _counts(view: DataFrame, table: Table, its_rules: Sequence[rules.Rule]) -> DataFrame:
    # Counting the values of a column makes Spark cast each of them, whether or not a rule or the SQL needs the column.
    casts = [F.count(F.col(quoted(column.name))) for column in table.columns if column.spark_type != "string"]
    counts = [rule.breaches for rule in its_rules] + casts + [F.count(F.lit(1))]
    return view.agg(F.array(*counts).alias("counts")).select(F.lit(table.name).alias("name"), "counts")


def _format(files: Sequence[StoredFile], what: str) -> str:
    found = {}
    for file in files:
        extension = _PACKED.sub("", file.uri.lower()).rpartition(".")[2]
        if extension not in _EXTENSIONS:
            known = ", ".join(f".{name}" for name in _EXTENSIONS)
            raise JobError(f"{what}: {file.uri} is of no known format; known: {known}, text also packed as .gz")
        found[_EXTENSIONS[extension]] = file.uri
    if len(found) > 1:
        raise JobError(f"{what} has files of several formats ({', '.join(found.values())}); use one")
    return next(iter(found))


def _read(
    spark: SparkSession, storage: Storage, kind: str, files: Sequence[StoredFile], directory: str, table: Table
) -> DataFrame:
    reader = spark.read.option("recursiveFileLookup", True).option("mode", "FAILFAST")
    uri = hadoop_uri(directory)
    if kind == "parquet":
        return reader.parquet(uri)
    if kind == "json":
        return reader.option("primitivesAsString", True).json(uri)
    header = _header(storage, files, table)
    schema = StructType([StructField(name, StringType()) for name in header])
    return (
        reader.schema(schema)
        .option("header", True)
        .option("multiLine", True)  # a quoted field may hold a line break
        .option("escape", '"')  # RFC 4180: "" is a quote inside a quoted field
        .option("columnPruning", False)  # with it, Spark does not notice a row with too few or too many fields
        .csv(uri)
    )


def _header(storage: Storage, files: Sequence[StoredFile], table: Table) -> list[str]:
    """The column names of the CSV files, which must be the same in each: Spark goes by position."""
    headers = [(next(csv.reader([storage.read_first_line(file.uri)]), []), file.uri) for file in files]
    first, first_uri = headers[0]
    if len(set(first)) != len(first):
        raise JobError(f"reference {table.name}: {first_uri} names a column twice: {', '.join(first)}")
    for header, uri in headers:
        if header != first:
            raise JobError(
                f"reference {table.name}: {uri} has the columns {', '.join(header)}, {first_uri} has "
                f"{', '.join(first)}; give all files the same header"
            )
    return first


def _present(column: Column, null_values: Sequence[str] | None) -> SparkColumn:
    """The value as the file has it. For CSV (`null_values` given), the texts that mean null become null."""
    value = F.col(quoted(column.name))
    if null_values is None:
        return value
    text = F.coalesce(value, F.lit(""))  # Spark reads an empty field as null, whatever the contract says
    return F.when(~text.isin(list(null_values)), text) if null_values else text


def _typed(column: Column, what: str) -> SparkColumn:
    value = F.col(quoted(column.name))
    typed = F.expr(f"try_cast({quoted(column.name)} AS {column.spark_type})")
    message = F.concat(
        F.lit(f'{what}, column {column.name}: cannot read "'),
        value.cast("string"),
        F.lit(f'" as {column.physical_type}; correct the file, or list the text in nullValues of the contract'),
    )
    return F.when(value.isNotNull() & typed.isNull(), F.raise_error(message)).otherwise(typed)
