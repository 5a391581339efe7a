"""References: every format, every type, and no value that goes missing without a word."""

from __future__ import annotations

import gzip
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from glue_spark_job import references
from glue_spark_job.contract import Column, Table
from glue_spark_job.errors import JobError
from glue_spark_job.storage import Storage

pytestmark = pytest.mark.spark


def column(name: str, spark_type: str, physical_type: str = "ANY", required: bool = False) -> Column:
    return Column(name, physical_type, spark_type, None, required, {}, None)


ITEMS = Table(
    "items",
    "reference",
    (
        column("item", "string", required=True),
        column("weight", "smallint", "SMALLINT"),
        column("since", "date", "DATE"),
    ),
    ("", "NA"),
    (("item",),),
)
CAKE_AND_TEA = [("cake", None, None), ("tea", 100, date(2012, 12, 31))]


def rows(spark: SparkSession, directory: Path, table: Table = ITEMS) -> list[tuple[Any, ...]]:
    """The checked rows of the reference in `directory`, sorted by the first column."""
    references.register(spark, Storage(spark), table, f"{directory}/")
    references.check(spark, [table])
    return sorted((tuple(row) for row in spark.table(table.name).collect()), key=lambda row: str(row[0]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("items.csv", b"item,weight,since\ntea,100,2012-12-31\ncake,NA,\n"),
        ("items.CSV.gz", gzip.compress(b"item,weight,since\ntea,100,2012-12-31\ncake,NA,\n")),
        ("other order.csv", b"\xef\xbb\xbfsince,more,item,weight\r\n2012-12-31,x,tea,100\r\nNA,y,cake,\r\n"),
        ("items.json", b'{"item":"tea","weight":100,"since":"2012-12-31"}\n{"item":"cake","since":null}\n'),
        ("items.jsonl", b'{"item":"tea","weight":"100","since":"2012-12-31"}\n{"item":"cake"}\n'),
        ("items.ndjson.gz", gzip.compress(b'{"item":"tea","weight":100,"since":"2012-12-31"}\n{"item":"cake"}\n')),
    ],
)
def test_each_text_format_gives_the_same_typed_rows(
    spark: SparkSession, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert rows(spark, tmp_path) == CAKE_AND_TEA
    assert spark.table("items").dtypes == [("item", "string"), ("weight", "smallint"), ("since", "date")]


def test_parquet_is_cast_to_the_declared_types(spark: SparkSession, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * FROM (VALUES ('tea', 100::BIGINT, '2012-12-31'), ('cake', NULL, NULL)) "
            f"AS t(item, weight, since)) TO '{tmp_path}/items.snappy.parquet' (FORMAT parquet)"
        )
    assert rows(spark, tmp_path) == CAKE_AND_TEA


def test_several_files_in_subfolders_are_one_reference(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.csv").write_text("item,weight,since\ntea,100,2012-12-31\n")
    (tmp_path / "b" / "c.csv").write_text("item,weight,since\ncake,,\n")
    (tmp_path / "_notes.txt").write_text("hidden")
    assert rows(spark, tmp_path) == CAKE_AND_TEA


def test_every_type_is_read_from_csv(spark: SparkSession, tmp_path: Path) -> None:
    types = {
        "a": "smallint",
        "b": "int",
        "c": "bigint",
        "d": "float",
        "e": "double",
        "f": "decimal(10,2)",
        "g": "date",
        "h": "timestamp",
        "i": "boolean",
        "j": "string",
    }
    table = Table("items", "reference", tuple(column(name, kind) for name, kind in types.items()), ("",), ())
    (tmp_path / "items.csv").write_text(
        "a,b,c,d,e,f,g,h,i,j\n-1,2,3000000000,0.5,1e3,2.50,2013-01-01,2013-01-01T10:00:00Z,true, a b \n"
    )
    references.register(spark, Storage(spark), table, f"{tmp_path}/")
    values = spark.table("items").selectExpr("*", "cast(h AS string) AS h_text").first()
    assert values is not None
    assert values[:7] == (-1, 2, 3000000000, 0.5, 1000.0, Decimal("2.50"), date(2013, 1, 1))
    assert values[8:] == (True, " a b ", "2013-01-01 10:00:00")


def test_csv_follows_rfc_4180(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text('item,weight,since\n"a ""quoted"", \nname",1,"2013-01-01"\n')
    assert rows(spark, tmp_path) == [('a "quoted", \nname', 1, date(2013, 1, 1))]


def test_only_the_texts_in_null_values_are_null(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text('item,other\n,x\nNA,NA\n"",-\n')
    columns = (column("item", "string"), column("other", "string"))
    assert rows(spark, tmp_path, Table("items", "reference", columns, ("-",), ())) == [
        ("", "x"),
        ("", None),
        ("NA", "NA"),
    ]
    assert rows(spark, tmp_path, Table("items", "reference", columns, (), ())) == [("", "x"), ("", "-"), ("NA", "NA")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tea,heavy,2013-01-01\n", 'reference items, column weight: cannot read "heavy" as SMALLINT; correct the file'),
        ("tea,40000,2013-01-01\n", 'reference items, column weight: cannot read "40000" as SMALLINT'),
        ("tea,1.5,2013-01-01\n", 'reference items, column weight: cannot read "1.5" as SMALLINT'),
        ("tea,1,01.02.2013\n", 'reference items, column since: cannot read "01.02.2013" as DATE'),
        ("tea,1\n", "reference items: [MALFORMED_CSV_RECORD] Malformed CSV record: tea,1"),
        ("tea,1,2013-01-01,more\n", "reference items: [MALFORMED_CSV_RECORD]"),
        ("tea,1,\ntea,2,\ntea,3,\ncake,,\n", "reference items breaks its contract: column item: unique (2 rows)"),
        ("NA,1,\n,2,\n", "reference items breaks its contract: column item: required (2 rows)"),
    ],
)
def test_what_does_not_fit_the_contract_fails(spark: SparkSession, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "items.csv").write_text("item,weight,since\n" + text)
    with pytest.raises(JobError) as caught:
        rows(spark, tmp_path)
    assert str(caught.value).startswith(message)


def test_a_value_that_does_not_fit_fails_from_json_and_parquet_too(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "items.json").write_text(json.dumps({"item": "tea", "weight": 70000, "since": None}))
    with pytest.raises(JobError, match='column weight: cannot read "70000" as SMALLINT'):
        rows(spark, tmp_path / "json")
    (tmp_path / "parquet").mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'tea' AS item, 70000 AS weight, DATE '2013-01-01' AS since) "
            f"TO '{tmp_path}/parquet/items.parquet' (FORMAT parquet)"
        )
    with pytest.raises(JobError, match='column weight: cannot read "70000" as SMALLINT'):
        rows(spark, tmp_path / "parquet")


def test_a_malformed_json_line_fails(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "items.json").write_text('{"item":"tea","weight":1,"since":null}\n{"item":\n')
    with pytest.raises(JobError, match=r"^reference items \(.*Malformed"):
        rows(spark, tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "reference items has no file below {0}/; upload it as CSV, JSON lines or Parquet"),
        ({"_hidden.csv": "item\n"}, "reference items has no file below {0}/"),
        ({"items.txt": "item\n"}, "{0}/items.txt is of no known format; known: .csv, .json"),
        ({"a.csv": "item\n", "b.json": "{}"}, "several formats ({0}/a.csv, {0}/b.json); use one"),
        (
            {"a.csv": "item,size,since\n"},
            "items: column weight is missing below {0}/; found: item, size, since",
        ),
        ({"a.csv": ""}, "column item, weight, since is missing"),
        ({"a.json": '{"item":"tea"}'}, "reference items: column weight, since is missing below {0}/; found: item"),
        ({"a.csv": "item,weight,item\n"}, "{0}/a.csv names a column twice: item, weight, item"),
        (
            {"a.csv": "item,weight,since\n", "b.csv": "item,since,weight\n"},
            "{0}/b.csv has the columns item, since, weight, {0}/a.csv has item, weight, since; give all files the same",
        ),
    ],
)
def test_files_that_cannot_be_the_reference_are_named(
    spark: SparkSession, tmp_path: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(JobError) as caught:
        references.register(spark, Storage(spark), ITEMS, f"{tmp_path}/")
    assert message.format(tmp_path) in str(caught.value)
