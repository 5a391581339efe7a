from __future__ import annotations

import duckdb
import pytest

from dataset_contract import types


@pytest.mark.parametrize("name", types.NAMES)
def test_every_name_is_read_in_any_case_with_blanks(name: str) -> None:
    type_ = types.parse(name)
    assert types.parse(f"  {name.lower().replace(' ', '   ')} ") == type_
    assert types.parse(type_.redshift) == type_


@pytest.mark.parametrize("name", types.NAMES)
def test_duckdb_has_the_type(name: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"SELECT CAST(NULL AS {types.parse(name).duckdb})")


NOT_CARRIED = [
    *("TIME", "TIME WITHOUT TIME ZONE", "TIMETZ", "TIME WITH TIME ZONE", "INTERVAL YEAR TO MONTH"),
    *("INTERVAL DAY TO SECOND", "INTERVAL DAY TO SECOND(3)", "SUPER", "VARBYTE", "VARBYTE(5)", "VARBINARY(5)"),
    *("BINARY VARYING(5)", "GEOMETRY", "GEOGRAPHY", "HLLSKETCH"),
]
# Names -> the type's name, kind, and what it is in DuckDB and in Spark.
PLAIN = {
    ("SMALLINT", "INT2"): ("SMALLINT", types.INTEGER, "SMALLINT", "smallint"),
    ("INTEGER", "INT", "INT4"): ("INTEGER", types.INTEGER, "INTEGER", "int"),
    ("BIGINT", "INT8"): ("BIGINT", types.INTEGER, "BIGINT", "bigint"),
    ("REAL", "FLOAT4"): ("REAL", types.FLOAT, "FLOAT", "float"),
    ("DOUBLE PRECISION", "FLOAT8", "FLOAT"): ("DOUBLE PRECISION", types.FLOAT, "DOUBLE", "double"),
    ("DATE",): ("DATE", types.DATE, "DATE", "date"),
    ("TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"): ("TIMESTAMP", types.TIMESTAMP, "TIMESTAMP", "timestamp"),
    ("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"): ("TIMESTAMPTZ", types.TIMESTAMPTZ, "TIMESTAMPTZ", "timestamp"),
    ("BOOLEAN", "BOOL"): ("BOOLEAN", types.BOOLEAN, "BOOLEAN", "boolean"),
}
TEXTS = {
    ("VARCHAR", "CHARACTER VARYING", "NVARCHAR", "TEXT"): ("VARCHAR(256)", types.VARCHAR, 256),
    ("CHAR", "CHARACTER", "NCHAR"): ("CHAR(1)", types.CHAR, 1),
    ("BPCHAR",): ("CHAR(256)", types.CHAR, 256),
}


def test_every_name_is_one_of_a_type() -> None:
    names = [name for table in (PLAIN, TEXTS) for several in table for name in several]
    assert sorted([*names, "DECIMAL", "NUMERIC"]) == sorted(types.NAMES)


@pytest.mark.parametrize("names", PLAIN, ids=str)
def test_a_type_of_one_size(names: tuple[str, ...]) -> None:
    for name in names:
        assert types.parse(name) == types.ColumnType(*PLAIN[names], precision=0, scale=0, bytes=None)


@pytest.mark.parametrize("names", TEXTS, ids=str)
def test_a_text_without_a_length_has_that_of_redshift(names: tuple[str, ...]) -> None:
    for name in names:
        redshift, kind, bytes_ = TEXTS[names]
        assert types.parse(name) == types.ColumnType(redshift, kind, "VARCHAR", "string", bytes=bytes_)


@pytest.mark.parametrize(
    ("name", "redshift", "kind", "bytes_"),
    [
        ("CHAR(4096)", "CHAR(4096)", types.CHAR, 4096),
        ("CHAR(MAX)", "CHAR(4096)", types.CHAR, 4096),
        ("NCHAR(7)", "CHAR(7)", types.CHAR, 7),
        ("VARCHAR(1)", "VARCHAR(1)", types.VARCHAR, 1),
        ("VARCHAR(0000009)", "VARCHAR(9)", types.VARCHAR, 9),
        ("NVARCHAR(MAX)", "VARCHAR(65535)", types.VARCHAR, 65535),
        ("CHARACTER VARYING(9)", "VARCHAR(9)", types.VARCHAR, 9),
    ],
)
def test_texts_have_bytes(name: str, redshift: str, kind: str, bytes_: int) -> None:
    type_ = types.parse(name)
    assert (type_.redshift, type_.kind, type_.bytes) == (redshift, kind, bytes_)


@pytest.mark.parametrize(
    ("name", "precision", "scale"),
    [
        ("DECIMAL", 18, 0),
        ("NUMERIC(5)", 5, 0),
        ("decimal ( 38 , 37 )", 38, 37),
        ("DECIMAL(2,2)", 2, 2),
        ("DECIMAL(1,0)", 1, 0),
        ("DECIMAL(0000009,0000002)", 9, 2),
        ("DECIMAL(9,0000000)", 9, 0),
    ],
)
def test_decimals_have_digits(name: str, precision: int, scale: int) -> None:
    type_ = types.parse(name)
    assert (type_.precision, type_.scale) == (precision, scale)
    assert (type_.redshift, type_.duckdb) == (f"DECIMAL({precision},{scale})",) * 2
    assert (type_.kind, type_.spark, type_.bytes) == (types.DECIMAL, f"decimal({precision},{scale})", None)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("BANANA", "is not a type that Redshift has; accepted: SMALLINT"),
        ("STRING", "is not a type that Redshift has"),
        ("", "is not a type that Redshift has"),
        ("TEXT(5)", "is not a type that Redshift has"),
        ("BPCHAR(5)", "is not a type that Redshift has"),
        ("FLOAT(3,2)", "is not a type that Redshift has"),
        *((name, "is a type of Redshift that the pipeline does not carry") for name in NOT_CARRIED),
        ("VARCHAR(0)", "accepted: a length of 1 to 65535 bytes"),
        ("VARCHAR(65536)", "accepted: a length of 1 to 65535 bytes"),
        (f"VARCHAR({'9' * 5000})", "accepted: a length of 1 to 65535 bytes"),
        (f"DECIMAL({'9' * 5000})", "accepted: a precision of 1 to 38"),
        (f"DECIMAL(5,{'9' * 5000})", "a scale of 0 to the precision"),
        ("CHAR(4097)", "accepted: a length of 1 to 4096 bytes"),
        ("DECIMAL(0)", "accepted: a precision of 1 to 38"),
        ("DECIMAL(39,0)", "accepted: a precision of 1 to 38"),
        ("DECIMAL(5,6)", "a scale of 0 to the precision"),
        ("DECIMAL(38,38)", "at most 37"),
    ],
)
def test_a_type_is_refused(name: str, problem: str) -> None:
    with pytest.raises(ValueError) as caught:
        types.parse(name)
    assert problem in str(caught.value)
