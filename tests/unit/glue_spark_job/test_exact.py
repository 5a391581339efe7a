"""Output values: what comes out is what transform.sql computed, or the run fails and says which value it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from dataset_contract import types
from dataset_contract.model import OUTPUT, Column, DataObject
from glue_spark_job.errors import JobError
from glue_spark_job.spark_errors import explained
from glue_spark_job.transformation import conform

pytestmark = pytest.mark.spark


def table(columns: Mapping[str, str]) -> DataObject:
    """An output with these columns and Redshift types."""
    return DataObject("t", OUTPUT, tuple(Column(name, types.parse(kind), name) for name, kind in columns.items()))


def conformed(spark: SparkSession, value: str, kind: str) -> DataFrame:
    # Over VALUES, Spark computes while it plans: that spares a job, and test_a_value_that_the_type_holds runs compiled.
    return conform(spark.sql(f"SELECT {value} AS c FROM VALUES (1)"), table({"c": kind}), "j1")


def refusal(spark: SparkSession, value: str, kind: str) -> str:
    """What is said about the value in a column `c` of table `t`."""
    with pytest.raises(JobError) as caught, explained("table t"):
        print(conformed(spark, value, kind).collect())
    return str(caught.value)


KEPT = [
    ("CAST(7 AS TINYINT)", "SMALLINT", 7),
    ("-32768", "SMALLINT", -32768),
    ("9223372036854775807", "BIGINT", 2**63 - 1),
    ("2.00BD", "INTEGER", 2),
    ("CAST('9223372036854775807.00' AS DECIMAL(38,2))", "BIGINT", 2**63 - 1),
    ("3D", "INTEGER", 3),
    ("-9223372036854775808D", "BIGINT", -(2**63)),
    ("5.890BD", "DECIMAL(10,2)", Decimal("5.89")),
    ("CAST('99999999999999999999999999999999999999' AS DECIMAL(38,0))", "DECIMAL(38,0)", Decimal(10**38 - 1)),
    ("CAST('0.1' AS DECIMAL(38,37))", "DECIMAL(2,1)", Decimal("0.1")),
    ("0.1D", "DECIMAL(10,2)", Decimal("0.10")),
    ("CAST(0.1 AS FLOAT)", "DECIMAL(10,2)", Decimal("0.10")),
    ("1e22D", "DECIMAL(38,0)", Decimal(10**22)),
    ("7L", "DECIMAL(3,2)", Decimal("7.00")),
    ("0.1BD", "DOUBLE PRECISION", 0.1),
    ("9007199254740992L", "DOUBLE PRECISION", 2.0**53),
    ("0.5D", "REAL", 0.5),
    ("CAST(0.1 AS FLOAT)", "DOUBLE PRECISION", 0.10000000149011612),
    ("TIMESTAMP '2013-01-01 00:00:00'", "DATE", date(2013, 1, 1)),
    ("DATE '2013-01-01'", "TIMESTAMP", "2013-01-01 00:00:00"),
    ("TIMESTAMP_NTZ '2013-01-01 10:00:00.123456'", "TIMESTAMPTZ", "2013-01-01 10:00:00.123456"),
    ("'+007'", "INTEGER", 7),
    ("'-1.5000'", "DECIMAL(2,1)", Decimal("-1.5")),
    ("'.5'", "DECIMAL(2,1)", Decimal("0.5")),
    ("'1.5e3'", "DOUBLE PRECISION", 1500.0),
    ("'TRUE'", "BOOLEAN", True),
    ("'2013-01-01'", "DATE", date(2013, 1, 1)),
    ("'2013-01-01T11:00:00.5+01:00'", "TIMESTAMP", "2013-01-01 10:00:00.5"),
    ("'éé'", "VARCHAR(4)", "éé"),
    ("'abcd'", "CHAR(4)", "abcd"),
    ("12.50BD", "VARCHAR(5)", "12.50"),
    ("true", "CHAR(4)", "true"),
    ("NULL", "DATE", None),
    *[(f"CAST(NULL AS {source})", kind, None) for source, kind in (("STRING", "INTEGER"), ("DOUBLE", "BIGINT"))],
    *[(f"CAST(NULL AS {source})", kind, None) for source, kind in (("STRING", "CHAR(1)"), ("TIMESTAMP", "DATE"))],
    ("CAST(NULL AS DOUBLE)", "DOUBLE PRECISION", None),
    ("-9223372036854775808L", "REAL", -(2.0**63)),
    ("-2147483648", "REAL", -(2.0**31)),
    ("'0.00e7'", "DOUBLE PRECISION", 0.0),
    ("'1e-300'", "DOUBLE PRECISION", 1e-300),
    ("'€😀'", "VARCHAR(7)", "€😀"),
]


def test_a_value_that_the_type_holds_is_kept(spark: SparkSession) -> None:
    names = [f"c{index}" for index in range(len(KEPT))]
    values = ", ".join(f"{value} AS {name}" for name, (value, _, _) in zip(names, KEPT, strict=True))
    declared = table({name: kind for name, (_, kind, _) in zip(names, KEPT, strict=True)})
    row = conform(spark.sql(f"SELECT {values} FROM range(1)"), declared, "j1").collect()[0]
    for name, (value, kind, expected) in zip(names, KEPT, strict=True):
        found = row[name]
        if isinstance(found, datetime):
            frame = conform(spark.sql(f"SELECT {value} AS c"), table({"c": kind}), "j1")
            found = frame.selectExpr("CAST(c AS STRING)").collect()[0][0]
        assert (type(found), found) == (type(expected), expected), (value, kind)


LOSS = "{0} does not fit {1} without loss; round or cast it in transform.sql"


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("CAST(393 AS DOUBLE) / 200", "INTEGER", "1.965"),
        ("5.8951BD", "DECIMAL(10,2)", "5.8951"),
        ("TIMESTAMP '2013-01-01 23:30:00'", "DATE", "2013-01-01 23:30:00"),
        ("32768", "SMALLINT", "32768"),
        ("3000000000L", "INTEGER", "3000000000"),
        ("2.5BD", "BIGINT", "2.5"),
        ("CAST('12345678901234567890' AS DECIMAL(38,0))", "BIGINT", "12345678901234567890"),
        ("9223372036854775808D", "BIGINT", "9.223372036854775807E18"),
        ("1000.00BD", "DECIMAL(5,2)", "1000.00"),
        ("99999.995BD", "DECIMAL(7,2)", "99999.995"),
        ("CAST('12345678901234567890123456789012345678' AS DECIMAL(38,0))", "DECIMAL(38,1)", None),
        ("0.125D", "DECIMAL(10,2)", "0.125"),
        ("1e30D", "DECIMAL(18,0)", "1.0E30"),
        ("9007199254740993L", "DOUBLE PRECISION", "9007199254740993"),
        ("CAST('12345678901234567890.1' AS DECIMAL(38,1))", "DOUBLE PRECISION", "12345678901234567890.1"),
        ("0.1D", "REAL", "0.1"),
        ("1e300D", "REAL", "1.0E300"),
        ("16777217", "REAL", "16777217"),
        ("9223372036854775807L", "DOUBLE PRECISION", "9223372036854775807"),
        ("9223372036854775807L", "REAL", "9223372036854775807"),
        ("2147483647", "REAL", "2147483647"),
        ("CAST(2147483648L AS FLOAT)", "INTEGER", "2.14748365E9"),
    ],
)
def test_a_value_that_the_cast_would_change_is_named(
    spark: SparkSession, value: str, kind: str, shown: str | None
) -> None:
    said = refusal(spark, value, kind)
    expected = LOSS.format(shown or "12345678901234567890123456789012345678", kind)
    assert said == f"table t, column c: {expected}".replace("9.223372036854775807E18", "9.223372036854776E18")


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("'1.5'", "INTEGER", "'1.5' is not an INTEGER; convert it in transform.sql"),
        ("' 1'", "INTEGER", "' 1' is not an INTEGER"),
        ("'1\\n'", "INTEGER", "'1 "),
        ("'40000'", "SMALLINT", "'40000' is not a SMALLINT"),
        ("'1.239'", "DECIMAL(10,2)", "'1.239' is not a DECIMAL(10,2)"),
        ("'12:30'", "TIMESTAMP", "'12:30' is not a TIMESTAMP"),
        ("'2013'", "DATE", "'2013' is not a DATE"),
        ("'2013-02-30'", "DATE", "'2013-02-30' is not a DATE"),
        ("'NaN'", "DOUBLE PRECISION", "'NaN' is not a DOUBLE PRECISION"),
        ("'1e999'", "DOUBLE PRECISION", "'1e999' is not a DOUBLE PRECISION"),
        ("'1e-400'", "DOUBLE PRECISION", "'1e-400' is not a DOUBLE PRECISION"),
        ("'-.0001e-50'", "REAL", "'-.0001e-50' is not a REAL"),
        ("'+-1'", "DOUBLE PRECISION", "'+-1' is not a DOUBLE PRECISION"),
        ("'+-1'", "DECIMAL(3,1)", "'+-1' is not a DECIMAL(3,1)"),
        ("CAST(unhex('61ff') AS STRING)", "VARCHAR(9)", "'a\ufffd' is not UTF-8; decode its bytes in transform.sql"),
        ("CAST(unhex('EDA080') AS STRING)", "VARCHAR(9)", "'"),
        ("'y'", "BOOLEAN", "'y' is not a BOOLEAN"),
        ("double('NaN')", "DOUBLE PRECISION", "NaN is not a number; decide in transform.sql what it becomes"),
        ("float('-Infinity')", "REAL", "-Infinity is not a number"),
        ("double('Infinity')", "VARCHAR(20)", "Infinity is not a number"),
        ("double('NaN')", "INTEGER", "NaN is not a number"),
        ("'ééé'", "VARCHAR(4)", "'ééé' is longer than the 4 bytes of VARCHAR(4); shorten it in transform.sql"),
        ("'abcde'", "CHAR(4)", "'abcde' is longer than the 4 characters of CHAR(4)"),
        ("'né'", "CHAR(4)", "'né' does not fit: CHAR takes single-byte characters only"),
        ("concat('a', chr(0))", "VARCHAR(4)", r"'a\0' has a NUL character, which no database takes"),
        ("12345", "VARCHAR(4)", "12345 is longer than the 4 bytes of VARCHAR(4)"),
        ("repeat('x', 300)", "VARCHAR(256)", f"'{'x' * 100}' is longer than the 256 bytes of VARCHAR(256)"),
    ],
)
def test_a_value_that_is_not_of_the_type_is_named(spark: SparkSession, value: str, kind: str, said: str) -> None:
    assert refusal(spark, value, kind).startswith(f"table t, column c: {said}".rstrip())


@pytest.mark.parametrize(
    ("value", "kind", "found"),
    [
        ("array(1)", "INTEGER", "array<int>"),
        ("named_struct('a', 1)", "VARCHAR(10)", "struct<a:int>"),
        ("X'00'", "VARCHAR(10)", "binary"),
        ("INTERVAL '1' DAY", "VARCHAR(10)", "interval day"),
        ("1", "TIMESTAMP", "int"),
        ("1", "BOOLEAN", "int"),
        ("true", "INTEGER", "boolean"),
        ("DATE '2013-01-01'", "INTEGER", "date"),
    ],
)
def test_a_type_that_cannot_be_the_columns_is_refused_before_anything_is_computed(
    spark: SparkSession, value: str, kind: str, found: str
) -> None:
    with pytest.raises(JobError) as caught:
        conformed(spark, value, kind)
    said = f"table t, column c: the view has {found}, which cannot be {kind}; convert it in transform.sql"
    assert str(caught.value).startswith(said)


def test_where_every_value_fits_nothing_is_checked(spark: SparkSession) -> None:
    select = "SELECT id AS a, CAST(id AS INT) AS b, CAST(id AS DECIMAL(5,2)) AS c, current_date() AS d FROM range(9)"
    columns = {"a": "BIGINT", "b": "BIGINT", "c": "DECIMAL(7,2)", "d": "TIMESTAMP"}
    plan: Any = conform(spark.sql(select), table(columns), "j1")._jdf.queryExecution().optimizedPlan()
    assert "raise_error" not in plan.toString()
    frame = conform(spark.sql("SELECT id AS a FROM range(9)"), table({"a": "INTEGER"}), "j1")
    assert "raise_error" in frame._jdf.queryExecution().optimizedPlan().toString()
