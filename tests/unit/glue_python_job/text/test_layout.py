from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataset_contract.model import SOURCE, Column, CsvDialect, DataObject
from dataset_contract.types import parse
from glue_python_job.errors import JobError
from glue_python_job.text.layout import CSV, JSON, PARQUET, Layout, check_columns


def column(name: str, source_name: str = "") -> Column:
    return Column(name, parse("VARCHAR"), source_name or name)


def items(*names: str) -> DataObject:
    return DataObject("items", SOURCE, tuple(column(name) for name in names))


def scanned(layout: Layout, path: Path, text: bytes) -> list[tuple[Any, ...]]:
    path.write_bytes(text)
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT f0, f1 FROM {layout.scan([path], items('a', 'b'))}").fetchall()


def dialect(**changed: Any) -> Layout:
    return Layout(CSV, ("a", "b"), dialect=CsvDialect(**changed))


@pytest.mark.parametrize(
    ("layout", "text", "rows"),
    [
        (dialect(), b'"",\n"\n",NA\n', [("", ""), ("\n", "NA")]),
        (dialect(delimiter="|"), b'a,"|"b|"\n', [('a,"', "b|")]),
        (dialect(quote="'", escape="'"), b"'a''b',\"\n", [("a'b", '"')]),
        (dialect(quote="", escape=""), b'"a,b"\n', [('"a', 'b"')]),
        (dialect(trailing_delimiter=True), b'a,"b,",\nc,,""\n', [("a", "b,"), ("c", "")]),
        (dialect(escape="\\").split_text, b'"a","","."\n', [("a", "")]),
        (Layout(JSON, ("a", "b")).split_text, b'"","\n","."\n,"null","."\n', [("", "\n"), (None, "null")]),
    ],
)
def test_text_comes_as_it_is_in_the_file(tmp_path: Path, layout: Layout, text: bytes, rows: Any) -> None:
    assert scanned(layout, tmp_path / "x", text) == rows


@pytest.mark.parametrize("text", [b"a,b,c\n", b"a,b\n"])
def test_a_record_without_its_trailing_delimiter_is_not_read(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(duckdb.InvalidInputException):
        scanned(dialect(trailing_delimiter=True), tmp_path / "x", text)


@pytest.mark.parametrize(
    ("layout", "exact"),
    [
        (dialect(), False),
        (dialect(delimiter="\t"), False),
        (dialect(delimiter="\u00e9"), True),
        (dialect(delimiter=" "), True),
        (dialect(delimiter="||"), True),
        (dialect(escape="\\"), True),
        (dialect(escape=""), True),
        (dialect(quote="", escape=""), False),
        (Layout(CSV, ("a",)), True),
        (Layout(JSON, ("a", "b")), True),
        (Layout(PARQUET, ("a",)), False),
    ],
)
def test_what_duckdb_does_not_read_as_it_is(layout: Layout, exact: bool) -> None:
    assert layout.exact is exact
    assert layout.split_text.normal is exact


def test_a_column_is_found_by_its_name_in_the_file() -> None:
    layout = Layout(PARQUET, ("ID", "id", "Name of it"))
    assert layout.position(column("id")) == 1
    assert layout.position(column("ID")) == 0
    assert layout.position(column("n", "name OF it")) == 2


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (("a",), "contract column b .and c. is missing from the file x; columns found: a"),
        (("A", "b", "c", "b"), "column b occurs twice in the file x"),
        (("a", "c", "b_"), "contract column b is missing from the file x"),
        ((), "columns found: none"),
    ],
)
def test_columns_that_are_not_there(found: tuple[str, ...], message: str) -> None:
    with pytest.raises(JobError, match=message):
        check_columns("x", found, items("a", "b", "c"))


def test_two_names_that_differ_by_case_are_ambiguous_unless_one_is_the_columns() -> None:
    with pytest.raises(JobError, match="column id occurs twice but for upper and lower case in the file x"):
        check_columns("x", ("Id", "ID"), items("id"))
    assert check_columns("x", ("Id", "ID", "id"), items("id")) == ["Id", "ID"]
