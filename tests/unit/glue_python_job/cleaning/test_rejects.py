from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataset_contract.wording import MOST_REASONS, OTHER_REASONS
from glue_python_job.cleaning.rejects import RejectWriter
from glue_python_job.text.layout import Layout

LAYOUT = Layout("csv", ("a", "b"))
RAW = ["a\0b", "x\r\ny", '"q",\\', "é \u2028 😀", "", "NULL", "\\xff", "x" * 1_000_000]


def test_rows_come_back_as_they_were_added(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        writer = RejectWriter(connection, tmp_path, "job")
        for number, raw in enumerate(RAW):
            writer.add("s3://b/k", number, "c" if number % 2 else None, "unique", raw, layout=LAYOUT)
        writer.close()
        found = duckdb.read_parquet([str(part.path) for part in writer.parts])
        assert found.columns == ["job_id", "source_file", "line_number", "column_name", "reason", "raw_row"]
        assert [str(type_) for type_ in found.types] == [
            "VARCHAR",
            "VARCHAR",
            "BIGINT",
            "VARCHAR",
            "VARCHAR",
            "VARCHAR",
        ]
        assert found.fetchall() == [
            ("job", "s3://b/k", number, "c" if number % 2 else None, "unique", raw) for number, raw in enumerate(RAW)
        ]
    assert writer.count == len(RAW)
    assert writer.reasons == {"(row): unique": 4, "c: unique": 4}
    names = ["_refused-00000.jsonl.gz", "_refused.json", "rejected-00000.parquet"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_many_rows_become_several_files(tmp_path: Path, small_pieces: int) -> None:
    with duckdb.connect() as connection:
        writer = RejectWriter(connection, tmp_path, "job")
        for number in range(1_000):
            writer.add("f", number, None, "r", "x", layout=LAYOUT)
        writer.close()
        assert len(writer.parts) > 1
        assert sum(part.rows for part in writer.parts) == 1_000
        found = duckdb.read_parquet([str(part.path) for part in writer.parts]).fetchall()
    assert [row[2] for row in found] == list(range(1_000))


def test_no_rows_become_no_file(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        writer = RejectWriter(connection, tmp_path, "job")
        writer.close()
    assert writer.parts == []
    assert not list(tmp_path.iterdir())


def test_reasons_that_are_many_are_told_together(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        writer = RejectWriter(connection, tmp_path, "job")
        for number in range(2 * MOST_REASONS):
            writer.add("f", number, None, f"r{number}", "x", layout=LAYOUT)
            writer.add("f", number, None, "r0", "x", layout=LAYOUT)
        writer.close()
        found = duckdb.read_parquet([str(part.path) for part in writer.parts]).fetchall()
    assert [row[4] for row in found[::2]] == [f"r{number}" for number in range(2 * MOST_REASONS)]
    assert len(writer.reasons) == MOST_REASONS + 1
    assert writer.reasons[OTHER_REASONS] == MOST_REASONS
    assert writer.reasons["(row): r0"] == 2 * MOST_REASONS + 1
    assert len(writer._begins) <= MOST_REASONS


@pytest.mark.parametrize("raw", ["\\" * 2_000_000, '"' * 2_000_000, "é" * 1_000_000])
def test_the_longest_record_fits(tmp_path: Path, raw: str) -> None:
    with duckdb.connect() as connection:
        writer = RejectWriter(connection, tmp_path, "job")
        writer.add("f", 1, None, "r", raw, layout=LAYOUT)
        writer.close()
        assert duckdb.read_parquet(str(writer.parts[0].path)).fetchall()[0][5] == raw
