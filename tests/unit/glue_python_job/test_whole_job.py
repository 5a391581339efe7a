"""The job as Glue starts it, on local files, with the real engine."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from glue_python_job.main import main

CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "name": "orders",
    "version": "2.1.0",
    "status": "active",
    "schema": [
        {
            "name": "orders",
            "customProperties": [
                {"property": "role", "value": "source"},
                {"property": "nullValues", "value": ["", "NA"]},
            ],
            "properties": [
                {
                    "name": "id",
                    "logicalType": "integer",
                    "physicalType": "INTEGER",
                    "required": True,
                    "unique": True,
                    "logicalTypeOptions": {"minimum": 1, "maximum": 1000000},
                },
                {
                    "name": "kind",
                    "logicalType": "string",
                    "physicalType": "VARCHAR(10)",
                    "quality": [{"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0}],
                },
                {
                    "name": "code",
                    "logicalType": "string",
                    "physicalType": "VARCHAR(10)",
                    "logicalTypeOptions": {"pattern": "^[a-z]+$", "maxLength": 5},
                },
                {"name": "at", "logicalType": "timestamp", "physicalType": "TIMESTAMP"},
                {"name": "note", "logicalType": "string", "physicalType": "VARCHAR(100)"},
            ],
        },
        {
            "name": "made",
            "customProperties": [{"property": "role", "value": "output"}],
            "properties": [{"name": "id", "logicalType": "integer", "physicalType": "INTEGER"}],
        },
    ],
}
HEADER = "id,kind,code,at,note"


class Job:
    """One dataset on disk, and the job on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = directory / "in"
        self.source.mkdir()
        (directory / "contract.json").write_text(json.dumps(CONTRACT), encoding="utf-8")

    def put(self, name: str, *lines: str) -> None:
        text = "\n".join(lines) + "\n"
        data = text.encode("utf-8")
        (self.source / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    def run(self, **change: str) -> int:
        arguments = {
            "job_id": "the-job",
            "attempt": "3fa9c1-0",
            "dataset": "orders",
            "source_uri": f"{self.source}/",
            "reference_uri": f"{self.directory}/reference/",
            "contract_uri": str(self.directory / "contract.json"),
            "staged_uri": f"{self.directory}/staged/",
            "staged_references_uri": f"{self.directory}/references/",
            "rejected_uri": f"{self.directory}/rejected/",
            "manifest_uri": str(self.directory / "runs" / "python.json"),
            "load_manifest_uri": str(self.directory / "runs" / "load.json"),
            "started_at": "2024-05-01T10:00:00.000Z",
            "JOB_NAME": "what Glue adds",
            **change,
        }
        return main([part for name, value in arguments.items() for part in ("--" + name, value)])

    def manifest(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.directory / "runs" / "python.json").read_text(encoding="utf-8"))
        return document

    def run_name(self) -> str:
        """The run that the manifest is of; without one, the run that failed."""
        runs = self.directory / "runs"
        told = runs / "python.json" if (runs / "python.json").exists() else runs / "python-error.json"
        return str(json.loads(told.read_text(encoding="utf-8"))["stage_run"])

    def details(self) -> dict[str, Any]:
        text = (self.directory / "runs" / "python" / self.run_name() / "details.json").read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document

    def staged(self) -> list[tuple[Any, ...]]:
        return self._rows("staged", "id")

    def rejected(self) -> list[tuple[Any, ...]]:
        """(file, line, column, raw text) of each refused row."""
        rows = self._rows("rejected", "source_file, line_number")
        return [(Path(row[1]).name, row[2], row[3], row[5]) for row in rows]

    def _rows(self, folder: str, order: str) -> list[tuple[Any, ...]]:
        files = sorted((self.directory / folder).glob("*/*.parquet")) if (self.directory / folder).exists() else []
        if not files:
            return []
        with duckdb.connect() as connection:
            sql = "SELECT * FROM read_parquet(?) ORDER BY " + order
            return connection.execute(sql, [[str(path) for path in files]]).fetchall()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_good_rows_are_staged_with_their_types(job: Job) -> None:
    job.put("one.csv", HEADER, "1,a,abc,2013-01-01T10:00:00Z,hello", '2,NA,,2013-01-01 11:00:00,"x, ""y"""')
    assert job.run() == 0
    rows = job.staged()
    assert [(row[0], row[1], row[2], str(row[3]), row[4]) for row in rows] == [
        (1, "a", "abc", "2013-01-01 10:00:00", "hello"),
        (2, None, None, "2013-01-01 11:00:00", 'x, "y"'),
    ]
    manifest = job.manifest()
    assert (manifest["rows_in"], manifest["rows_out"], manifest["rows_rejected"]) == (2, 2, 0)
    assert (manifest["stage"], manifest["job_id"], manifest["contract_version"]) == ("python", "the-job", "2.1.0")
    assert manifest["rejected_files"] == 0


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("x,a,abc,,", "id"),
        (",a,abc,,", "id"),
        ("0,a,abc,,", "id"),
        ("1000001,a,abc,,", "id"),
        ("99999999999,a,abc,,", "id"),
        ("5,c,abc,,", "kind"),
        ("5,a,ABC,,", "code"),
        ("5,a,abcdef,,", "code"),
        ("5,a,abc,yesterday,", "at"),
        ("5,a", None),
        ("5,a,abc,,,more", None),
    ],
)
def test_a_bad_row_is_kept_with_its_place(job: Job, line: str, column: str) -> None:
    job.put("one.csv", HEADER, "1,a,abc,,", line, "2,b,abc,,")
    assert job.run() == 0
    assert [row[0] for row in job.staged()] == [1, 2]
    assert job.rejected() == [("one.csv", 3, column, line)]


def test_the_bounds_themselves_are_accepted(job: Job) -> None:
    job.put("one.csv", HEADER, "1,a,abcde,,", "1000000,b,z,,")
    assert job.run() == 0
    assert len(job.staged()) == 2


def test_a_line_number_is_right_behind_a_quoted_newline(job: Job) -> None:
    job.put("one.csv", HEADER, '1,a,abc,,"two', 'lines"', "2,c,abc,,", "3,a,abc,,")
    assert job.run() == 0
    assert job.rejected() == [("one.csv", 4, "kind", "2,c,abc,,")]
    assert [(row[0], row[4]) for row in job.staged()] == [(1, "two\nlines"), (3, None)]


def test_the_first_of_equal_keys_stays_also_across_files(job: Job) -> None:
    job.put("b.csv", HEADER, "1,b,two,,", "2,b,abc,,")
    job.put("a.csv", HEADER, "1,a,one,,", "1,a,again,,")
    assert job.run() == 0
    assert [(row[0], row[1]) for row in job.staged()] == [(1, "a"), (2, "b")]
    assert [row[:3] for row in job.rejected()] == [("a.csv", 3, "id"), ("b.csv", 2, "id")]


@pytest.mark.parametrize("name", ["one.csv", "one.csv.gz"])
def test_a_file_may_be_compressed(job: Job, name: str) -> None:
    job.put(name, HEADER, "1,a,abc,,", "2,c,abc,,")
    assert job.run() == 0
    assert job.rejected() == [(name, 3, "kind", "2,c,abc,,")]


@pytest.mark.parametrize("name", ["one.jsonl", "one.json.gz"])
def test_json_lines_are_read(job: Job, name: str) -> None:
    job.put(name, '{"id": 1, "kind": "a", "code": "abc", "at": null, "note": "n"}', '{"id": 2, "kind": "c"}', "{broken")
    assert job.run() == 0
    assert [row[0] for row in job.staged()] == [1]
    assert [row[:2] for row in job.rejected()] == [(name, 2), (name, 3)]


def test_parquet_is_read(job: Job) -> None:
    with duckdb.connect() as connection:
        rows = (
            "SELECT 1 AS id, 'a' AS kind, 'abc' AS code, NULL::TIMESTAMP AS at, 'n' AS note "
            "UNION ALL SELECT 2, 'c', 'x', NULL, ''"
        )
        connection.execute("COPY ({}) TO '{}' (FORMAT PARQUET)".format(rows, job.source / "one.parquet"))
    assert job.run() == 0
    assert [row[0] for row in job.staged()] == [1]
    assert [row[:3] for row in job.rejected()] == [("one.parquet", 2, "kind")]


def test_columns_may_come_in_another_order_with_others_between(job: Job) -> None:
    job.put("one.csv", "note,more,at,code,kind,id", "n,x,,abc,a,1")
    assert job.run() == 0
    assert [(row[0], row[1], row[4]) for row in job.staged()] == [(1, "a", "n")]


def test_a_header_alone_is_no_rows(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.put("one.csv", HEADER)
    assert job.run() == 1
    assert "error: the source has no row: " in error_of(capsys)
    job.put("two.csv", HEADER, "1,a,abc,,")
    assert job.run() == 0
    assert [file["rows"] for file in job.details()["files_in"]] == [0, 1]


def test_a_missing_column_is_named(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.put("one.csv", "id,kind,code,note", "1,a,abc,n")
    assert job.run() == 1
    error = error_of(capsys)
    assert error.startswith("error: ")
    assert "one.csv" in error
    assert "at" in error
    assert not (job.directory / "runs" / "python.json").exists()


def test_no_files_are_named(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert job.run() == 1
    assert f"error: no files below {job.source}" in error_of(capsys)


@pytest.mark.parametrize("name", ["job_id", "source_uri", "manifest_uri"])
def test_an_empty_argument_is_refused(job: Job, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert job.run(**{name: ""}) == 2
    assert name in error_of(capsys)


def test_a_second_run_of_the_same_job_does_nothing(job: Job) -> None:
    job.put("one.csv", HEADER, "1,a,abc,,")
    assert job.run() == 0
    before = job.manifest()
    job.put("two.csv", HEADER, "2,a,abc,,")
    assert job.run() == 0
    assert job.manifest() == before


def test_what_an_attempt_that_failed_left_is_removed(job: Job) -> None:
    job.put("one.csv", HEADER, "1,a,abc,,")
    for folder in ("staged", "rejected"):
        (job.directory / folder).mkdir()
        (job.directory / folder / "part-00007.parquet").write_bytes(b"left behind")
    assert job.run() == 0
    assert [row[0] for row in job.staged()] == [1]
    assert [path for path in (job.directory / "rejected").rglob("*") if path.is_file()] == []


def test_random_files_lose_no_row(job: Job) -> None:
    chance = random.Random(20130101)
    good = bad = 0
    lines: list[str] = [HEADER]
    for number in range(1, 5_001):
        kind = chance.choice("ab" if chance.random() < 0.9 else "xy")
        note = chance.choice(["", "plain", '"a, b"', '"two\nlines"', '"""quoted"""'])
        lines.append(f"{number},{kind},abc,,{note}")
        good, bad = (good + 1, bad) if kind in "ab" else (good, bad + 1)
    job.put("one.csv", *lines)
    assert job.run() == 0
    manifest = job.manifest()
    assert (manifest["rows_in"], manifest["rows_out"], manifest["rows_rejected"]) == (5_000, good, bad)
    assert list(job.details()["rejected_reasons"].values()) == [bad]
    assert len(job.staged()) == good
    assert len(job.rejected()) == bad
