"""Runs transform.sql: a chain of temporary views, from the source and the references to the output tables."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from glue_spark_job.contract import JOB_ID_COLUMN, Table
from glue_spark_job.errors import JobError
from glue_spark_job.rules import quoted
from glue_spark_job.spark_errors import explained
from glue_spark_job.statements import Statement


def transform(
    spark: SparkSession, statements: Sequence[Statement], outputs: Sequence[Table], job_id: str, file: str
) -> dict[str, DataFrame]:
    """The output tables as the contract has them, by name. No rows are computed yet.

    The views that the statements read must exist. `file` is the name of the SQL file, for messages. Raises JobError
    with Spark's own message where a statement is wrong, and where a view does not fit the contract.
    """
    for statement in statements:
        with explained(f"{file} statement {statement.number}"):
            # The line breaks before it make the lines in Spark's message those of the file.
            spark.sql("\n" * (statement.line - 1) + statement.text)
    views = [statement.view for statement in statements if statement.view]
    known = {view.lower() for view in views}
    for table in outputs:
        if table.name.lower() not in known:
            raise JobError(
                f"{file} does not create output {table.name}; views found: {', '.join(views) or 'none'}; "
                f"add CREATE TEMPORARY VIEW {table.name} AS SELECT …"
            )
    return {table.name: conform(spark.table(quoted(table.name)), table, job_id) for table in outputs}


def conform(view: DataFrame, table: Table, job_id: str) -> DataFrame:
    """`view` with exactly the columns of `table`, in its order and of its types, and job_id at the end.

    COPY maps the columns of a Parquet file by order, so a column too many is as wrong as one too few. A cast that
    cannot keep a value fails when it is computed (ANSI mode), since null would be a silent loss.
    """
    declared = [column.name for column in table.columns]
    found = [name.lower() for name in view.columns]
    problems = {
        "is missing": [name for name in declared if name.lower() not in found],
        "is not in the contract": [name for name in view.columns if name.lower() not in map(str.lower, declared)],
    }
    for problem, names in problems.items():
        if names:
            raise JobError(
                f"table {table.name}: column {', '.join(names)} {problem}; the view has: {', '.join(view.columns)}; "
                f"change the SELECT of {table.name}, or the contract"
            )
    with explained(f"table {table.name}"):
        columns = [F.col(quoted(item.name)).cast(item.spark_type).alias(item.name) for item in table.columns]
        return view.select(*columns, F.lit(job_id).alias(JOB_ID_COLUMN))
