"""Rejected rows exported, mended and read again, by the job itself: nothing is lost, and nothing is another record."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import rejected, uploads
from pipeline.clients import Clients
from pipeline.errors import UsageError
from pipeline.jobs import Attempt, Job
from pipeline.rejected import Exported, NoTextError
from pipeline.stacks import Stack
from tests.unit.glue_python_job.conftest import Job as Runs
from tests.unit.glue_python_job.conftest import Result, document

JOB_ID = "20261101T000000000Z-5f0f6a0e-6f0e-5b8e-9f43-6a1c3c1a8c11"
PLACE = f"rejected/items/job_id={JOB_ID}/"
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "t", "logicalType": "string"},
]


class NoSuchKeyError(Exception):
    pass


@dataclass
class Lake:
    """The lake bucket, in a directory."""

    root: Path

    class exceptions:  # noqa: N801 - boto3's name
        NoSuchKey = NoSuchKeyError

    def get_object(self, *, Key: str, **_asked: Any) -> dict[str, Any]:  # noqa: N803
        if not self.path(Key).is_file():
            raise NoSuchKeyError(Key)
        return {"Body": io.BytesIO(self.path(Key).read_bytes())}

    def path(self, key: str) -> Path:
        """Where the test's job writes it."""
        return self.root / key.replace(f"runs/{JOB_ID}/", "runs/").replace(PLACE, "rejected/job_id=job-1/")

    def get_paginator(self, _name: str) -> Lake:
        return self

    def paginate(self, *, Prefix: str, **_asked: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        directory, _, begin = Prefix.rpartition("/")
        root = self.path(f"{directory}/")
        found = sorted(path for path in root.rglob("*") if path.is_file())
        listed = [(path, path.relative_to(root).as_posix()) for path in found]
        items = [
            {"Key": f"{directory}/{name}", "LastModified": path.stat().st_mtime_ns}
            for path, name in listed
            if name.startswith(begin)
        ]
        yield {"Contents": items} if items else {}


@dataclass(frozen=True)
class Given(Clients):
    lake: Lake | None = None

    def get(self, _service: str) -> Any:
        return self.lake


@dataclass
class Replay:
    """Runs the Python job over files, and exports what it refused."""

    runs: Runs

    def run(self, files: Mapping[str, bytes], contract: str) -> Result:
        for folder in ("source", "staged", "rejected", "runs"):
            shutil.rmtree(self.runs.root / folder, ignore_errors=True)
        return self.runs.clean(files, contract)

    def export(self, result: Result, name: str = "refused.csv") -> Exported:
        target = self.runs.root / "export" / name
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir()
        return rejected.export(self.stack(), self.job(len(result.rejected)), target)

    def stack(self) -> Stack:
        return Stack(Given(None, None, Lake(self.runs.root)), {"lake_bucket": "lake"}, Path())

    def job(self, refused: int) -> Job:
        attempt = Attempt("arn", 0, "SUCCEEDED", None)  # type: ignore[arg-type]
        return Job(JOB_ID, (attempt,), dataset="items", counts={"rows_rejected": refused})


@pytest.fixture
def replay(job: Runs) -> Replay:
    return Replay(job)


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Runs:
    return Runs(tmp_path, capsys)


def contract(**dialect: Any) -> str:
    # Also a run in which every row is refused is whole.
    allowed = {"mustBeLessOrEqualTo": 100, "unit": "percent"}
    return document(COLUMNS, custom={"rejectedRows": allowed, **({"csv": dialect} if dialect else {})})


def read(files: Exported) -> dict[str, bytes]:
    return {path.name: _plain(path) for path in files.files}


def _plain(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else bz2.decompress(data) if path.suffix == ".bz2" else data


def reasons(files: Exported) -> list[dict[str, str]]:
    with files.reasons.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def texts(result: Result) -> list[tuple[str | None, str, str]]:
    return sorted((row[3] or "", row[4], row[5]) for row in result.rejected)


def test_an_export_has_the_header_and_the_lines_as_they_were(replay: Replay) -> None:
    rows = "id;t\n1;a\nx;'b;c'\n2\n'y';'two\nlines'\n3;c\n"
    made = replay.export(replay.run({"a.csv": rows.encode()}, contract(delimiter=";", quote="'")))
    assert read(made) == {"refused.csv": b"id;t\n2\nx;'b;c'\n'y';'two\nlines'\n"}
    assert (made.rows, made.left) == (3, 0)
    told = [
        (row["export_file"], row["line"], row["source_line"], row["column"], row["reason"]) for row in reasons(made)
    ]
    assert told == [
        ("refused.csv", "2", "4", "", "too few fields"),
        ("refused.csv", "3", "3", "id", "not a BIGINT"),
        ("refused.csv", "4", "5", "id", "not a BIGINT"),
    ]


def test_what_a_run_that_was_killed_rejected_is_found(replay: Replay) -> None:
    result = replay.run({"a.csv": b"id,t\nx,one\n"}, contract())
    earlier = replay.runs.root / "rejected" / "job_id=job-1" / "3fa9c1-0-00000000"
    earlier.mkdir()
    for name in ("_refused.json", "_refused-00000.jsonl.gz"):
        (earlier / name).write_bytes(b"of an earlier run")
        os.utime(earlier / name, (0, 0))
    (replay.runs.root / "runs" / "python.json").unlink()
    assert read(replay.export(result)) == {"refused.csv": b"id,t\nx,one\n"}


def test_files_with_another_header_are_exported_apart(replay: Replay) -> None:
    files = {"a.csv": b"id,t\nx,a\n", "b.csv": b"t,more,id\nb,m,y\n", "c.csv": b"id,t\nz,c\n"}
    made = replay.export(replay.run(files, contract()), "refused.csv.gz")
    assert read(made) == {"refused.csv.gz": b"id,t\nx,a\nz,c\n", "refused-2.csv.gz": b"t,more,id\nb,m,y\n"}


def test_a_byte_that_is_no_text_is_exported_as_it_was(replay: Replay) -> None:
    made = replay.export(replay.run({"a.csv": b"id,t\n1,\xff\nx,\xc3\xa9\n"}, contract()))
    assert read(made) == {"refused.csv": b"id,t\n1,\xff\nx,\xc3\xa9\n"}
    made = replay.export(replay.run({"a.csv": b"id,t\n1,\x81\xe9\nx,\xe9\n"}, contract(encoding="cp1252")))
    assert read(made) == {"refused.csv": b"id,t\n1,\x81\xe9\nx,\xe9\n"}


def test_utf_16_has_its_byte_order_mark(replay: Replay) -> None:
    result = replay.run({"a.csv": "id,t\nx,é\n".encode("utf-16")}, contract(encoding="utf-16"))
    made = replay.export(result)
    assert read(made)["refused.csv"].decode("utf-16") == "id,t\nx,é\n"
    assert texts(replay.run(read(made), contract(encoding="utf-16"))) == texts(result)


def test_lines_without_header_are_exported_without_one(replay: Replay) -> None:
    dialect = {"header": False, "skipLines": 1, "trailingDelimiter": True, "delimiter": "||"}
    made = replay.export(replay.run({"a.csv": b"about\nx||a||\n1||b||\n"}, contract(**dialect)), "refused.dat.bz2")
    assert read(made) == {"refused.dat.bz2": b"\nx||a||\n"}


def test_an_open_quote_never_meets_one_that_closes_it(replay: Replay) -> None:
    # In the source, the good line between them keeps the two from being one record.
    rows = b'id,t\n1,"open\n2,"good"\nx,a\nend",3\n'
    result = replay.run({"a.csv": rows}, contract())
    made = replay.export(result)
    assert read(made) == {"refused.csv": b'id,t\n1,"open\nx,a\n', "refused-2.csv": b'id,t\nend",3\n'}
    again = replay.run(read(made), contract())
    assert texts(again) == texts(result)


def test_a_carriage_return_at_the_end_stays(replay: Replay) -> None:
    result = replay.run({"a.csv": b"id,t\n1,a\r\r\n"}, contract())
    made = replay.export(result)
    assert read(made) == {"refused.csv": b"id,t\n1,a\r\r\n"}


def test_a_row_without_its_whole_text_is_told_and_not_exported(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_python_job.text import records

    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 100)
    made = replay.export(replay.run({"a.csv": b"id,t\n1," + b"a" * 200 + b"\nx,b\n"}, contract()))
    assert (made.rows, made.left) == (1, 1)
    assert read(made) == {"refused.csv": b"id,t\nx,b\n"}
    assert [(row["export_file"], row["source_line"]) for row in reasons(made)] == [("", "2"), ("refused.csv", "3")]


def test_json_lines_and_arrays_stay_what_they_are(replay: Replay) -> None:
    files = {
        "a.jsonl": b'{"id": "x", "t": "a"}\n{"id": 1, "t": "b"}\n[1]\nbroken\n',
        "b.json": b'[{"id": 2, "t": "c"},\n {"id": "y",\n  "t": "d"},\n {"id": "z"}]',
    }
    result = replay.run(files, contract())
    made = replay.export(result, "refused.jsonl")
    assert read(made) == {
        "refused.jsonl": b'[\n[1],\n{"id": "y",\n  "t": "d"},\n{"id": "z"}\n]\n',
        "refused-2.jsonl": b'broken\n{"id": "x", "t": "a"}\n',
    }
    assert texts(replay.run(read(made), contract())) == texts(result)


def test_rows_of_parquet_are_exported_as_json_lines_by_the_names_of_the_contract(replay: Replay) -> None:
    source = replay.runs.root / "x.parquet"
    duckdb.sql("SELECT 'x' AS ID, 'a' AS t UNION ALL SELECT '1', 'b'").write_parquet(str(source))
    result = replay.run({"a.parquet": source.read_bytes()}, contract())
    with pytest.raises(UsageError, match=r"the source is JSON; accepted endings: \.jsonl, \.json, \.ndjson, also with"):
        replay.export(result)
    made = replay.export(result, "refused.jsonl")
    (text,) = read(made).values()
    assert json.loads(text) == {"id": "x", "t": "a"}
    again = replay.run({"refused.jsonl": text.replace(b'"x"', b"7")}, contract())
    assert (again.staged, again.rejected) == ([(7, "a")], [])


def test_what_is_there_is_not_written_over(replay: Replay) -> None:
    result = replay.run({"a.csv": b"id,t\nx,a\n"}, contract())
    made = replay.export(result)
    made.files[0].write_text("mended")
    with pytest.raises(UsageError, match="is there already; accepted: a name that is not taken"):
        rejected.export(replay.stack(), replay.job(1), made.files[0])
    assert made.files[0].read_text() == "mended"


def test_a_directory_with_an_export_is_uploaded_without_the_reasons(replay: Replay) -> None:
    replay.run({"a.csv": b"id,t\nx,a\n"}, contract())
    (target := replay.runs.root / "mended").mkdir()
    made = rejected.export(replay.stack(), replay.job(1), target / "refused.csv")
    assert sorted(path.name for path in target.iterdir()) == ["_refused.csv.reasons.csv", "refused.csv"]
    assert made.reasons.parent == target
    assert [file.name for file in uploads.files([target])] == ["refused.csv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("_refused.csv", "a name without _ or . first"), ("nowhere/refused.csv", "nowhere' is not a direct")],
)
def test_an_export_goes_where_it_can_be_loaded_from(replay: Replay, name: str, said: str) -> None:
    replay.run({"a.csv": b"id,t\nx,a\n"}, contract())
    with pytest.raises(UsageError, match=said):
        rejected.export(replay.stack(), replay.job(1), replay.runs.root / name)


def test_an_export_that_breaks_leaves_nothing(replay: Replay) -> None:
    replay.run({"a.csv": b"id,t\nx,a\n"}, contract())
    (target := replay.runs.root / "broken").mkdir()
    with pytest.raises(NoTextError, match="has rejected 5 rows, and 1 are there as text; all are in the Parquet"):
        rejected.export(replay.stack(), replay.job(5), target / "refused.csv")
    assert list(target.iterdir()) == []


def test_a_job_without_rejected_rows_has_nothing_to_export(replay: Replay) -> None:
    replay.run({"a.csv": b"id,t\n1,a\n"}, contract())
    assert list(rejected.rows(replay.stack(), replay.job(0))) == []
    with pytest.raises(NoTextError, match="has rejected no row: there is nothing to export"):
        rejected.export(replay.stack(), replay.job(0), replay.runs.root / "refused.csv")
    with pytest.raises(NoTextError, match="are not there as text; all are in the Parquet files below s3://lake/rejec"):
        rejected.export(replay.stack(), replay.job(3), replay.runs.root / "refused.csv")


def test_reasons_are_counted(replay: Replay) -> None:
    replay.run({"a.csv": b"id,t\nx,a\ny,b\n1\n"}, contract())
    counted = rejected.reasons(replay.stack(), replay.job(3))
    assert counted == {("id", "not a BIGINT"): 2, (None, "too few fields"): 1}


DIALECTS = [{}, {"delimiter": ";", "quote": "'"}, {"escape": "\\", "encoding": "cp1252"}, {"quote": ""}]
PIECES = st.sampled_from(["a", "1", '"', "'", '""', "\\", ",", ";", "\r", "\n", "x", '",', ',"', "';", "é", "\x00"])


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(DIALECTS), st.lists(st.lists(PIECES, max_size=8).map("".join), min_size=8, max_size=40))
def test_what_is_refused_stays_refused_until_it_is_mended_and_is_loaded_once_then(
    replay: Replay, dialect: dict[str, Any], lines: list[str]
) -> None:
    encoding = dialect.get("encoding", "utf-8")
    mark = dialect.get("delimiter", ",")
    good = [f"{number}{mark}good" for number in range(3)]
    text = "\n".join([f"id{mark}t", good[0], *lines[::2], good[1], *lines[1::2], good[2]]) + "\n"
    first = replay.run({"a.csv": text.encode(encoding) + b"\xff\x81\n"}, contract(**dialect))
    made = replay.export(first)
    assert made.rows + made.left == len(first.rejected) == first.manifest["rows_rejected"]
    exported = read(made)
    # Nobody has mended them: the same rows, for the same reasons.
    again = replay.run(exported, contract(**dialect))
    assert texts(again) == texts(first)
    assert again.staged == []
    # Each mended in its place, by the lines that the reasons name.
    mended, expected = _mended(made, exported, mark, encoding)
    last = replay.run(mended, contract(**dialect))
    assert sorted(row[0] for row in last.staged) == expected
    assert last.rejected == []
    rows_in = first.manifest["rows_in"]
    assert rows_in == first.manifest["rows_out"] + last.manifest["rows_out"]


def _mended(
    made: Exported, exported: Mapping[str, bytes], mark: str, encoding: str
) -> tuple[dict[str, bytes], list[int]]:
    """Each row of an export replaced by a good one with an ID of its own."""
    files: dict[str, bytes] = {}
    identifiers = iter(range(1_000, 1_000_000))
    used: list[int] = []
    for name, data in exported.items():
        lines = io.BytesIO(data).readlines()
        begins = [int(row["line"]) - 1 for row in reasons(made) if row["export_file"] == name]
        assert begins == sorted(begins)
        rows = lines[: begins[0]]
        for _ in begins:
            used.append(next(identifiers))
            rows.append(f"{used[-1]}{mark}mended\n".encode(encoding))
        files[name] = b"".join(rows)
    return files, used
