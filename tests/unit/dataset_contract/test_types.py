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


@pytest.mark.parametrize(
    ("name", "redshift", "kind", "bytes_"),
    [
        ("CHAR", "CHAR(1)", types.CHAR, 1),
        ("NCHAR(7)", "CHAR(7)", types.CHAR, 7),
        ("BPCHAR", "CHAR(256)", types.CHAR, 256),
        ("VARCHAR", "VARCHAR(256)", types.VARCHAR, 256),
        ("NVARCHAR(MAX)", "VARCHAR(65535)", types.VARCHAR, 65535),
        ("CHARACTER VARYING(9)", "VARCHAR(9)", types.VARCHAR, 9),
    ],
)
def test_texts_have_bytes(name: str, redshift: str, kind: str, bytes_: int) -> None:
    type_ = types.parse(name)
    assert (type_.redshift, type_.kind, type_.bytes) == (redshift, kind, bytes_)


@pytest.mark.parametrize(
    ("name", "precision", "scale"),
    [("DECIMAL", 18, 0), ("NUMERIC(5)", 5, 0), ("decimal ( 38 , 37 )", 38, 37), ("DECIMAL(2,2)", 2, 2)],
)
def test_decimals_have_digits(name: str, precision: int, scale: int) -> None:
    type_ = types.parse(name)
    assert (type_.precision, type_.scale) == (precision, scale)
    assert type_.redshift == f"DECIMAL({precision},{scale})"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("BANANA", "is not a type that Redshift has; accepted: SMALLINT"),
        ("STRING", "is not a type that Redshift has"),
        ("", "is not a type that Redshift has"),
        ("TEXT(5)", "is not a type that Redshift has"),
        ("FLOAT(3,2)", "is not a type that Redshift has"),
        ("SUPER", "is a type of Redshift that the pipeline does not carry"),
        ("VARBYTE(5)", "is a type of Redshift that the pipeline does not carry"),
        ("TIME WITH TIME ZONE", "is a type of Redshift that the pipeline does not carry"),
        ("VARCHAR(0)", "accepted: a length of 1 to 65535 bytes"),
        ("VARCHAR(65536)", "accepted: a length of 1 to 65535 bytes"),
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
