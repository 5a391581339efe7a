from __future__ import annotations

import pytest

from glue_python_job.column_types import ColumnType, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smallint", ColumnType("SMALLINT", "integer", "SMALLINT")),
        ("int4", ColumnType("INT4", "integer", "INTEGER")),
        ("BIGINT", ColumnType("BIGINT", "integer", "BIGINT")),
        ("real", ColumnType("REAL", "float", "FLOAT")),
        ("double  precision", ColumnType("DOUBLE PRECISION", "float", "DOUBLE")),
        ("numeric( 12 , 2 )", ColumnType("NUMERIC(12,2)", "decimal", "DECIMAL(12,2)", scale=2)),
        ("DECIMAL", ColumnType("DECIMAL", "decimal", "DECIMAL(18,0)")),
        ("DECIMAL(38,37)", ColumnType("DECIMAL(38,37)", "decimal", "DECIMAL(38,37)", scale=37)),
        ("VARCHAR(8)", ColumnType("VARCHAR(8)", "string", "VARCHAR", max_bytes=8)),
        ("varchar(max)", ColumnType("VARCHAR(MAX)", "string", "VARCHAR", max_bytes=65535)),
        ("VARCHAR", ColumnType("VARCHAR", "string", "VARCHAR", max_bytes=256)),
        ("TEXT", ColumnType("TEXT", "string", "VARCHAR", max_bytes=256)),
        ("CHAR", ColumnType("CHAR", "string", "VARCHAR", max_bytes=1)),
        ("bpchar", ColumnType("BPCHAR", "string", "VARCHAR", max_bytes=256)),
        ("CHAR(4096)", ColumnType("CHAR(4096)", "string", "VARCHAR", max_bytes=4096)),
        ("date", ColumnType("DATE", "date", "DATE")),
        ("timestamp without time zone", ColumnType("TIMESTAMP WITHOUT TIME ZONE", "timestamp", "TIMESTAMP")),
        ("TIMESTAMPTZ", ColumnType("TIMESTAMPTZ", "timestamptz", "TIMESTAMPTZ")),
        ("bool", ColumnType("BOOL", "boolean", "BOOLEAN")),
    ],
)
def test_redshift_types(text: str, expected: ColumnType) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "VARCHAR(0)", "VARCHAR(-1)", "CHAR(4097)", "DECIMAL(0)", "DECIMAL(5,6)", "DECIMAL(38,38)", "TIME", "SUPER"],
)
def test_what_is_no_type_of_redshift(text: str) -> None:
    with pytest.raises(ValueError, match=r"known types|must be"):
        parse(text)
