"""No name of a user's column collides with one that the job's own SQL uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from glue_python_job import database

_TEXTS = re.compile(r"'(?:[^']|'')*'")
_IDENTIFIERS = re.compile(r'"(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_]*')
# DuckDB's own columns of files and tables, names that only some layouts use, and names that have to be quoted.
ODD = [
    *("filename", "file_index", "file_row_number", "rowid", "row", "first", "h", "hive", "column0", "f0", "p1", "r1"),
    *(
        "t2",
        "c2",
        "s",
        "SELECT",
        "Position_",
        "a b",
        "it's",
        'say "x"',
        "naïve",
        "Ünïcode",
        "日本",
        "a;b",
        "a.b",
        "a,b",
    ),
    *("%s", "{x}", "*", "1st", "-", "\\", "null", "true", "NaN", "ordinal", "segment", "code", "repeated"),
]


class Recorder:
    """A connection that keeps what it is asked to run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    def execute(self, statement: Any, *more: Any) -> Any:
        self._statements.append(str(statement))
        return self._connection.execute(statement, *more)

    @contextmanager
    def cursor(self) -> Iterator[Recorder]:
        with self._connection.cursor() as cursor:
            yield Recorder(cursor, self._statements)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def columns(names: list[str], more: dict[str, Any]) -> list[dict[str, Any]]:
    """All columns are in one composite key and have a rule; `last` takes whole numbers only."""
    keyed = [
        {
            "name": name,
            "logicalType": "string",
            "primaryKey": True,
            "primaryKeyPosition": place,
            "logicalTypeOptions": {"maxLength": 9},
            "quality": [{"metric": "nullValues", "mustBeLessThan": 1}],
        }
        for place, name in enumerate(names, 1)
    ]
    unique = [{"name": name, "logicalType": "string", "unique": True} for name in more]
    return [*keyed, *unique, {"name": "last", "logicalType": "integer"}]


def rows(names: list[str], more: dict[str, Any]) -> list[list[str]]:
    """1 and 2 are good; then a row with the key of the first, one with its unique values, and one with a bad value."""
    one = [["1"] * len(names), ["1"] * len(more), ["1"]]
    two = [["2"] * len(names), ["2"] * len(more), ["2"]]
    again = [["1"] * len(names), ["3"] * len(more), ["3"]]
    taken = [["4"] * len(names), ["1"] * len(more), ["4"]]
    bad = [["5"] * len(names), ["5"] * len(more), ["x"]]
    return [list(chain(*row)) for row in (one, two, again, *([taken] if more else []), bad)]


def write(job: Any, file_format: str, contract: str, header: list[str], table: list[list[str]]) -> None:
    if file_format == "csv":
        quoted = [",".join('"' + field.replace('"', '""') + '"' for field in row) for row in [header, *table]]
        job.write({"x.csv": "\n".join(quoted).encode()}, contract)
    elif file_format == "json":
        job.write({"x.json": "\n".join(json.dumps(dict(zip(header, row))) for row in table).encode()}, contract)
    else:
        job.write({}, contract)
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in header)
        values = ", ".join("(" + ", ".join(f"'{field}'" for field in row) + ")" for row in table)
        duckdb.sql(f"SELECT * FROM (VALUES {values}) AS v({names})").write_parquet(f"{job.root}/source/x.parquet")


def check(job: Any, file_format: str, contract: str, names: list[str], more: dict[str, Any]) -> None:
    header = [*names, *more, "last"]
    write(job, file_format, contract, header, rows(names, more))
    result = job.run()
    assert result.code == 0, result.error
    assert result.staged == [tuple(["1"] * (len(header) - 1) + [1]), tuple(["2"] * (len(header) - 1) + [2])]
    duplicates = ["duplicate key"] * (2 if more else 1)
    assert sorted(row[4] for row in result.rejected) == [*duplicates, "not a BIGINT"]
    assert [rule["measured"] for rule in result.manifest["rules"]] == ["0"] * len(names)
    staged = duckdb.read_parquet(f"{job.root}/staged/job_id=job-1/*/*.parquet", hive_partitioning=False)
    assert staged.columns == header
    raw = {row[2]: row[5] for row in result.rejected}
    if file_format != "csv":
        assert {name: json.loads(raw[max(raw)])[name] for name in header} == dict(zip(header, rows(names, more)[-1]))


@pytest.mark.parametrize("file_format", ["csv", "json", "parquet"])
def test_every_identifier_of_the_sql_may_be_a_column(
    job: Any, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    statements: list[str] = []
    connect = database.connect

    def recorded(memory_limit: int, scratch: Path) -> Any:
        return Recorder(connect(memory_limit, scratch), statements)

    monkeypatch.setattr(database, "connect", recorded)
    check(job, file_format, contract_of(columns(["aa", "bb"], {"cc": 1})), ["aa", "bb"], {"cc": 1})
    (job.root / "runs" / "python.json").unlink()
    found = {name.strip('"') for text in statements for name in _IDENTIFIERS.findall(_TEXTS.sub(" ", text))}
    assert {"t0", "position", "file_row_number", "duplicate", "verdict", "first"} <= found
    distinct = {name.lower(): name for name in [*ODD, *found] if name.lower() != "last"}
    names = sorted(distinct.values())
    check(job, file_format, contract_of(columns(names, {})), names, {})
    if file_format != "csv":
        return
    # Keys are looked for in what is staged, the same for all formats: each name once more as a key of its own.
    (job.root / "runs" / "python.json").unlink()
    (job.root / "source").joinpath(f"x.{file_format}").unlink()
    single = dict.fromkeys(names, 1)
    check(job, file_format, contract_of(columns(["aaa", "bbb"], single)), ["aaa", "bbb"], single)


@pytest.mark.parametrize("file_format", ["csv", "json", "parquet"])
def test_columns_that_exchange_the_names_of_the_helpers(
    job: Any, contract_of: Callable[..., str], file_format: str
) -> None:
    names = ["t1", "t0", "r1", "r0", "c1", "c0", "p1", "p0", "f1", "f0"]
    typed = [{"name": name, "logicalType": "integer"} for name in names]
    table = [[str(number * 10 + place) for place in range(len(names))] for number in range(3)]
    table.append(["x", *map(str, range(1, len(names)))])
    write(job, file_format, contract_of(typed), names, table)
    result = job.run()
    assert result.staged == [tuple(map(int, row)) for row in table[:3]]
    assert [row[3] for row in result.rejected] == ["t1"]
