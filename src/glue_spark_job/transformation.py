"""Runs transform.sql: a chain of temporary views, from the source and the references to the output tables."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 (the name that Spark's documentation uses)

from dataset_contract.model import JOB_ID_COLUMN, DataObject
from glue_spark_job import exact, sql
from glue_spark_job.errors import JobError
from glue_spark_job.origins import Script
from glue_spark_job.spark_errors import explained


def transform(spark: SparkSession, script: Script, outputs: Sequence[DataObject], job_id: str) -> dict[str, DataFrame]:
    """The output tables as the contract has them, by name. No rows are computed yet.

    The views that the statements read must exist. Raises JobError with Spark's own message where a statement is wrong,
    and where a view does not fit the contract.
    """
    for statement in script.statements:
        with explained(script.label(statement)):
            spark.sql(script.submitted(statement))
    views = [statement.view for statement in script.statements if statement.view]
    known = {view.lower() for view in views}
    for table in outputs:
        if table.name.lower() not in known:
            raise JobError(
                f"{script.file} does not create output {table.name}; views found: {', '.join(views) or 'none'}; "
                f"add CREATE TEMPORARY VIEW {table.name} AS SELECT …"
            )
    return {table.name: conform(spark.table(sql.identifier(table.name)), table, job_id) for table in outputs}


def conform(view: DataFrame, table: DataObject, job_id: str) -> DataFrame:
    """`view` with exactly the columns of `table`, in its order and of its types, and job_id at the end.

    A column too many is as wrong as one too few: it would go missing without a word. A value that is not of the
    declared type fails when it is computed (see `exact`).
    """
    declared = [column.name for column in table.columns]
    found = {field.name.lower(): field for field in view.schema}
    problems = {
        "is missing": [name for name in declared if name.lower() not in found],
        "occurs twice": [name for name in declared if list(map(str.lower, view.columns)).count(name.lower()) > 1],
        "is not in the contract": [name for name in view.columns if name.lower() not in map(str.lower, declared)],
    }
    for problem, names in problems.items():
        if names:
            raise JobError(
                f"table {table.name}: column {', '.join(names)} {problem}; the view has: {', '.join(view.columns)}; "
                f"change the SELECT of {table.name}, or the contract"
            )
    with explained(f"table {table.name}"):
        marked = exact.keeps_marks(view)
        columns = [
            exact.typed(found[item.name.lower()], item, table.name, marked=marked).alias(item.name)
            for item in table.columns
        ]
        return view.select(*columns, F.lit(job_id).alias(JOB_ID_COLUMN))
