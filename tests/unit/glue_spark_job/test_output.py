"""The written files: what COPY will find."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from dataset_contract import types
from dataset_contract.model import OUTPUT, Column, DataObject, ValueRule
from glue_spark_job import output
from glue_spark_job.errors import JobError
from glue_spark_job.origins import Script
from glue_spark_job.spark_errors import Computation
from glue_spark_job.storage import ParquetFile, Storage

pytestmark = pytest.mark.spark

SMALL, LARGE = 1, 1024**3  # staged bytes


def table(name: str, kind: str, rule: str = "") -> DataObject:
    """A table of one column, with a rule if a keyword is given."""
    rules = (ValueRule(rule),) if rule else ()
    return DataObject("priced", OUTPUT, (Column(name, types.parse(kind), name, rules),))


def write(
    spark: SparkSession, directory: Path, select: str, written: DataObject, staged_bytes: int = SMALL
) -> list[ParquetFile]:
    """The files of the table `written`, which is the view of `select` as it is."""
    computed = Computation(Script("transform.sql", []), spark.sql(select))
    done = output.write(spark, Storage(spark), written, computed, f"{directory}/out/", staged_bytes)
    return list(done.files)


def names(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("staged_bytes", [SMALL, LARGE])
def test_only_parquet_files_are_written_and_they_are_what_is_returned(
    spark: SparkSession, tmp_path: Path, staged_bytes: int
) -> None:
    files = write(spark, tmp_path, "SELECT id FROM range(0, 1000, 1, 16)", table("id", "BIGINT"), staged_bytes)
    found = names(tmp_path / "out")
    assert [Path(file.uri).name for file in files] == found
    assert all(re.fullmatch(r"part-\d{5}-.*\.snappy\.parquet", name) for name in found)
    assert sum(file.rows for file in files) == 1000
    assert [file.bytes for file in files] == [(tmp_path / "out" / name).stat().st_size for name in found]
    assert len(files) == (2 if staged_bytes == SMALL else 1)  # of 16 tasks; a large input is measured instead


@pytest.mark.parametrize("staged_bytes", [SMALL, LARGE])
@pytest.mark.parametrize("select", ["SELECT 1L AS id WHERE false", "SELECT id FROM range(9) WHERE id + rand() < 0"])
def test_without_rows_there_is_one_file_with_the_columns(
    spark: SparkSession, tmp_path: Path, select: str, staged_bytes: int
) -> None:
    files = write(spark, tmp_path, select, table("id", "BIGINT", "required"), staged_bytes)
    assert [file.rows for file in files] == [0]
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE SELECT * FROM '{tmp_path}/out/*.parquet'").fetchall()
    assert [row[:2] for row in described] == [("id", "BIGINT")]


@pytest.mark.parametrize(("length", "told"), [(8, True), (5000, False)])
def test_nulls_are_counted_by_the_footers_where_they_tell(
    spark: SparkSession, tmp_path: Path, length: int, told: bool
) -> None:
    spark.sparkContext.setJobGroup(f"nulls {length}", "write and check")
    written = table("a", "VARCHAR(9999)", "required")
    write(spark, tmp_path / "good", f"SELECT repeat('x', {length}) AS a FROM range(3)", written)
    jobs = spark.sparkContext.statusTracker().getJobIdsForGroup(f"nulls {length}")
    assert (len(jobs) == 1) == told  # the one that writes
    with pytest.raises(JobError, match=r"^table priced breaks its contract: column a: required but empty \(2 rows\); "):
        write(spark, tmp_path / "bad", f"SELECT if(id < 2, NULL, repeat('x', {length})) AS a FROM range(3)", written)


@pytest.mark.parametrize(
    ("select", "shuffles"),
    [
        ("SELECT id + 1 AS id, (SELECT max(id) FROM staged) AS most FROM (SELECT * FROM staged)", False),
        ("SELECT id FROM staged WHERE id > 1", True),
        ("SELECT explode(array(id, id)) AS id FROM staged", True),
        ("SELECT id FROM staged UNION ALL SELECT id FROM staged", True),
        ("SELECT id FROM range(9)", True),
    ],
)
def test_a_large_table_that_only_selects_is_written_as_it_is_read(
    spark: SparkSession, tmp_path: Path, select: str, shuffles: bool
) -> None:
    spark.range(9).write.parquet(f"file://{tmp_path}/staged")
    spark.read.schema("id BIGINT").parquet(f"file://{tmp_path}/staged").createOrReplaceTempView("staged")
    plan: Any = output.sized(spark.sql(select), LARGE)._jdf.queryExecution().analyzed()
    assert plan.getClass().getSimpleName() == ("RebalancePartitions" if shuffles else "Repartition")


def test_types_are_those_that_copy_reads(spark: SparkSession, tmp_path: Path) -> None:
    write(
        spark,
        tmp_path,
        "SELECT 1S AS a, 2 AS b, 3L AS c, 0.5F AS d, 0.5D AS e, 2.50BD AS f, CAST(1 AS DECIMAL(38,0)) AS g, "
        "DATE '1500-01-01' AS h, TIMESTAMP '1850-06-01 10:00:00.123456' AS i, true AS j, 'x' AS k",
        table("a", "SMALLINT"),
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        kinds = connection.execute(
            "SELECT name, type, converted_type, precision, scale FROM "
            f"parquet_schema('{tmp_path}/out/*.parquet') WHERE type IS NOT NULL"
        ).fetchall()
        values = connection.execute(
            f"SELECT CAST(h AS VARCHAR), CAST(i AS VARCHAR) FROM '{tmp_path}/out/*.parquet'"
        ).fetchall()
        codecs = connection.execute(
            f"SELECT DISTINCT compression FROM parquet_metadata('{tmp_path}/out/*.parquet')"
        ).fetchall()
    assert [kind[:3] for kind in kinds] == [
        ("a", "INT32", "INT_16"),
        ("b", "INT32", None),
        ("c", "INT64", None),
        ("d", "FLOAT", None),
        ("e", "DOUBLE", None),
        ("f", "INT32", "DECIMAL"),
        ("g", "FIXED_LEN_BYTE_ARRAY", "DECIMAL"),
        ("h", "INT32", "DATE"),
        ("i", "INT64", "TIMESTAMP_MICROS"),
        ("j", "BOOLEAN", None),
        ("k", "BYTE_ARRAY", "UTF8"),
    ]
    assert kinds[5][3:] == (3, 2)
    assert values == [("1500-01-01", "1850-06-01 10:00:00.123456+00")]
    assert codecs == [("SNAPPY",)]


def test_what_other_runs_left_is_taken_away(spark: SparkSession, tmp_path: Path) -> None:
    for name in (
        "a/part-9.parquet",
        "a/_temporary/0/x",
        "a/own/x",
        "a/other/x",
        "b/own-2/x",
        "b/_own",
        "c/part-1.parquet",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    output.tidy(Storage(spark), [f"{tmp_path}/{name}/" for name in ("a", "b", "none")], "own")
    assert names(tmp_path) == ["a/own/x", "c/part-1.parquet"]


def test_settings_for_a_large_input_leave_those_of_spark_submit_alone(spark_session: SparkSession) -> None:
    spark = spark_session.newSession()
    most = "spark.sql.adaptive.advisoryPartitionSizeInBytes"
    least = "spark.sql.adaptive.coalescePartitions.minPartitionSize"
    output.prepare(spark, SMALL)
    assert spark.conf.get(least, None) is None
    spark.conf.set(most, "1g")
    output.prepare(spark, LARGE)
    assert (spark.conf.get(most), spark.conf.get(least)) == ("1g", "64m")
