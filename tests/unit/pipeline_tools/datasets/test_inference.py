from __future__ import annotations

import duckdb
import pytest

from pipeline_tools.datasets import inference
from pipeline_tools.datasets.inference import Guess


def guess(*values: str, is_text: bool = False) -> Guess:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE sample (v VARCHAR)")
        connection.executemany("INSERT INTO sample VALUES (?)", [[value] for value in values])
        return inference.guess(connection, "v", len(values), is_text=is_text)


def typed(*values: str) -> str:
    """The type of a column with these values, with ! where it is required."""
    found = guess(*values)
    return found.physical + "!" * found.required


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["1", "-2"], "SMALLINT!"),
        (["16383"], "SMALLINT!"),
        (["-16384"], "INTEGER!"),  # with room for twice as much
        (["1", "40000"], "INTEGER!"),
        (["3000000000"], "BIGINT!"),
        (["9223372036854775807"], "BIGINT!"),
        (["9223372036854775808"], "DECIMAL(38,0)!"),
        (["1" * 39], "VARCHAR(64)!"),
        (["007", "8"], "VARCHAR(8)!"),
        (["00.5"], "VARCHAR(8)!"),
        (["+1"], "VARCHAR(8)!"),
        (["1.5", "2", "-0.25"], "DECIMAL(18,2)!"),
        (["1234567890123456.25"], "DECIMAL(38,2)!"),
        (["1.5e3", "2"], "DOUBLE PRECISION!"),
        (["0." + "1" * 38], "DOUBLE PRECISION!"),
        (["true", "False"], "BOOLEAN!"),
        (["0", "1"], "SMALLINT!"),
        (["2024-01-31", "2024-02-29"], "DATE!"),
        (["2024-02-30"], "VARCHAR(16)!"),
        (["2024-01-31T10:00:00Z", "2024-01-31 10:00"], "TIMESTAMP!"),
        (["31.01.2024", "01.02.2024"], "DATE!"),
        (["31/01/2024 10:30"], "TIMESTAMP!"),
        (["a", ""], "VARCHAR(8)"),
        (["1", ""], "SMALLINT"),
        (["1", "NA"], "SMALLINT"),
        (["NA", "SE"], "VARCHAR(8)!"),
        (["", ""], "VARCHAR(256)"),
        (["x" * 7], "VARCHAR(8)!"),
        (["x" * 8], "VARCHAR(16)!"),
        (["é" * 8], "VARCHAR(32)!"),
    ],
)
def test_a_column_gets_the_type_that_holds_every_value(values: list[str], type_: str) -> None:
    assert typed(*values) == type_


def test_null_is_a_text_that_people_write_for_it_only_where_the_column_is_none() -> None:
    assert guess("1", "NA", "-", "NA", "").null_values == ("-", "NA")
    assert guess("NA", "SE").null_values == ()
    assert guess("NA", "-").null_values == ()


def test_dates_that_are_not_iso_have_a_format() -> None:
    assert guess("31.01.2024", "01.02.2024").format == "dd.MM.yyyy"
    assert guess("31/01/2024 10:30").format == "dd/MM/yyyy HH:mm"
    assert guess("01/31/2024").format == "MM/dd/yyyy"
    assert guess("01/02/2024").check == "or is it MM/dd/yyyy?"


def test_a_moment_with_an_offset_is_told() -> None:
    assert guess("2024-01-31T10:00:00+02:00").check == "kept in UTC"


def test_numbers_within_quotes_of_json_are_texts() -> None:
    assert guess("12", "true", is_text=True).physical == "VARCHAR(8)"
    assert guess("2024-01-31", is_text=True).physical == "DATE"


@pytest.mark.parametrize(
    ("physical", "logical", "may_be_key"),
    [
        ("SMALLINT", "integer", True),
        ("DECIMAL(18,2)", "number", False),
        ("DOUBLE PRECISION", "number", False),
        ("VARCHAR(8)", "string", True),
        ("DATE", "date", True),
        ("TIMESTAMPTZ", "timestamp", False),
        ("BOOLEAN", "boolean", False),
    ],
)
def test_a_guess_knows_its_logical_type_and_whether_it_may_be_a_key(
    physical: str, logical: str, may_be_key: bool
) -> None:
    guessed = Guess(physical, required=True)
    assert (guessed.logical, guessed.may_be_key) == (logical, may_be_key)
