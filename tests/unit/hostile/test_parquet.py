"""Hostile Parquet files: damaged and foreign ones fail by name, or give the rows that they had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from tests.unit.glue_python_job.conftest import Job
from tests.unit.hostile.accounts import adds_up
from tests.unit.hostile.conftest import examples
from tests.unit.hostile.test_texts import contract, run

ROWS = 300


def written(directory: Path, select: str, options: str = "") -> bytes:
    """A Parquet file of a query."""
    path = directory / "made.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


def good(directory: Path, options: str = "") -> bytes:
    values = "i::VARCHAR AS a, repeat('é', i::INT) AS b, NULL::VARCHAR AS c"
    return written(directory, f"SELECT {values} FROM range({ROWS}) r(i)", options)


@examples(40)
@given(compression=st.sampled_from(["snappy", "zstd", "uncompressed"]), data=st.data())
def test_a_damaged_file_fails_by_name_or_gives_as_many_rows(
    tmp_path: Path, new_job: Callable[[], Job], compression: str, data: st.DataObject
) -> None:
    whole = good(tmp_path, f", COMPRESSION {compression}")
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans(), label="at the end"):
        place = max(0, len(whole) - 1 - place % 400)
    change = data.draw(st.binary(min_size=1, max_size=4))
    bad = {
        "cut": whole[:place],
        "change": whole[:place] + change + whole[place + len(change) :],
        "insert": whole[:place] + change + whole[place:],
        "remove": whole[:place] + whole[place + len(change) :],
    }[data.draw(st.sampled_from(["cut", "change", "insert", "remove"]))]
    job = new_job()
    result = run(job, {"x.parquet": bad}, contract())
    if adds_up(job, result):
        # Parquet's pages have no checksum: a changed byte may be of a value.
        assert result.manifest["rows_in"] == ROWS or not bad
    else:
        assert "x.parquet" in result.error
        event(result.error.partition("x.parquet")[2][:60])


@examples(20)
@given(
    sign=st.sampled_from([b"PAR1", b"PARE"]),  # PARE: with an encrypted footer
    middle=st.binary(max_size=200),
    length=st.integers(0, 2**32 - 1) | st.integers(0, 300),
)
def test_a_file_that_only_looks_like_parquet_fails_by_name(
    new_job: Callable[[], Job], sign: bytes, middle: bytes, length: int
) -> None:
    job = new_job()
    result = run(job, {"x.parquet": sign + middle + length.to_bytes(4, "little") + sign}, contract())
    assert not adds_up(job, result)
    assert "x.parquet" in result.error


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ("SELECT 1 AS a, 2 AS b", "contract column c is missing"),
        ("SELECT [1] AS a, 'b' AS b, 'c' AS c", "x.parquet"),
        ("SELECT {'a': 1} AS a, 'b' AS b, 'c' AS c", "x.parquet"),
        ("SELECT MAP {'a': 1} AS a, 'b' AS b, 'c' AS c", "x.parquet"),
    ],
)
def test_a_foreign_file_fails_by_name(tmp_path: Path, new_job: Callable[[], Job], select: str, told: str) -> None:
    job = new_job()
    result = run(job, {"x.parquet": written(tmp_path, select)}, contract())
    assert not adds_up(job, result)
    assert told in result.error
    assert "x.parquet" in result.error
