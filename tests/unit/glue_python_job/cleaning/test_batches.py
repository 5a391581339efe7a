from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataset_contract.model import SOURCE, Column, CsvDialect, DataObject
from dataset_contract.types import parse
from glue_python_job.cleaning import batches
from glue_python_job.cleaning.batches import Batches
from glue_python_job.errors import JobError
from glue_python_job.logs import Log
from glue_python_job.storage import LocalStorage, StoredFile


class Reading:
    """Batches over files below a directory of the test's own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
        self.directory = directory / "in"
        self._scratch = directory / "scratch"
        self._connection = connection
        self._log = io.StringIO()
        self.directory.mkdir()
        self._scratch.mkdir()

    def run(self, files: dict[str, bytes], **dialect: Any) -> tuple[list[list[tuple[int, int]]], dict[str, str]]:
        """(position of the file, bytes) of the segments of each batch, and the notes by the names of the files."""
        made, listed = self.batches(files, **dialect)
        found = []
        for batch in made:
            found.append([(segment.source, segment.length) for segment in batch.segments])
            batch.resources.close()
        return found, {Path(listed[index].uri).name: note for index, note in made.notes.items()}

    def batches(
        self, files: dict[str, bytes], storage: LocalStorage | None = None, **dialect: Any
    ) -> tuple[Batches, list[StoredFile]]:
        """The batches, and the files as listed."""
        columns = tuple(Column(name, parse("VARCHAR"), name) for name in ("a", "b"))
        source = DataObject("items", SOURCE, columns, csv=CsvDialect(**dialect))
        for name, content in files.items():
            (self.directory / name).write_bytes(content)
        storage = storage or LocalStorage()
        listed = storage.list_files(str(self.directory))
        return Batches(self._connection, source, listed, storage, self._scratch, Log("j", self._log)), listed

    @property
    def copies(self) -> list[str]:
        """The downloaded copies that are left."""
        return [path.name for path in self._scratch.glob("copy-of-*")]

    @property
    def read(self) -> int:
        """How many files were begun."""
        return self._log.getvalue().count('"reading"')

    @property
    def warnings(self) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self._log.getvalue().splitlines()]
        return [line for line in lines if line["level"] == "WARNING"]


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    with duckdb.connect() as connection:
        yield Reading(connection, tmp_path)


def test_what_is_to_be_told_of_files_without_rows_or_with_wrong_names(reading: Reading) -> None:
    duckdb.sql(f"COPY (SELECT 'x' AS B, 'y' AS a LIMIT 0) TO '{reading.directory}/g.csv' (FORMAT parquet)")
    found, notes = reading.run(
        {
            "a.csv": b"",
            "b.csv": b"a,b\n",
            "c.csv": b"\n\n",
            "d.csv": gzip.compress(b"a,b\n1,2\n"),
            "e.csv.gz": gzip.compress(b""),
            "f.csv.gz": b"a,b\n",
            "h.json": b"[]",
            "i.json.gz": gzip.compress(b""),
            "j.csv": b"b,a\n1,2\n",
        }
    )
    assert notes == {
        "a.csv": "no bytes",
        "b.csv": "header only",
        "c.csv": "no header",
        "d.csv": "is gzip, in spite of its name",
        "e.csv.gz": "no header",
        "f.csv.gz": "is not compressed, in spite of its name; header only",
        "g.csv": "is Parquet, in spite of its name; no rows",
        "h.json": "no rows",
        "i.json.gz": "no rows",
    }
    assert {line["note"] for line in reading.warnings if "note" in line} == {
        part for note in notes.values() for part in note.split("; ")
    }
    assert [[source for source, _ in batch] for batch in found] == [[3], [6], [9]]


def test_without_a_header_an_empty_text_has_no_rows(reading: Reading) -> None:
    assert reading.run({"a.csv.gz": gzip.compress(b"")}, header=False)[1] == {"a.csv.gz": "no rows"}


@pytest.mark.parametrize("name", ["{}.csv", "{}.csv.gz", "{}.json"])
def test_files_share_a_batch_while_it_is_small(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, small_pieces: int, name: str
) -> None:
    monkeypatch.setattr(batches, "FIRST_BATCH_BYTES", 200_000)
    monkeypatch.setattr(batches, "SEVERAL_FILES_BYTES", 50_000)
    pack = gzip.compress if name.endswith(".gz") else bytes
    sizes = [10_000, 15_000, 10_000, 10_000, 120_000, 20_000, 20_000, 500_000]
    line = b'{"a":"1234567890"}\n' if name.endswith(".json") else b"123456789,123456789\n"
    header = b"" if name.endswith(".json") else b"a,b\n"
    found, _ = reading.run({name.format(n): pack(header + line * (size // len(line))) for n, size in enumerate(sizes)})
    for batch in found:
        assert sum(length for _, length in batch) < (230_000 if len(batch) == 1 else 80_000)
    assert max(map(len, found)) >= 4
    assert sum(length for batch in found for _, length in batch) == sum(size // len(line) * len(line) for size in sizes)


def test_columns_of_parquet_go_by_name_without_case(reading: Reading) -> None:
    path = reading.directory / "x.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS B, 2 AS A, 3 AS more) TO '{path}' (FORMAT parquet)")
    assert [len(batch) for batch in reading.run({})[0]] == [1]
    assert [line["columns"] for line in reading.warnings] == [["more"]]


def test_a_column_that_parquet_lacks_is_named(reading: Reading) -> None:
    duckdb.sql(f"COPY (SELECT 1 AS b) TO '{reading.directory}/x.parquet' (FORMAT parquet)")
    with pytest.raises(JobError, match=r"contract column a is missing from the file .*/x\.parquet"):
        reading.run({})


def test_a_file_that_is_no_parquet_is_named(reading: Reading) -> None:
    with pytest.raises(JobError, match=r"/x\.parquet is not a Parquet file"):
        reading.run({"x.parquet": b"PAR1 PAR1"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", b'{"a":1,"more":2}\n{"b":1,"other":{}}\nx\n'),
        ("x.json", b'\n[{"a":1,\n"more":2}, {"other":1}, x]'),
        ("x.csv", b"more,a,other,b\n"),
    ],
)
def test_columns_that_the_contract_does_not_have_are_told(reading: Reading, name: str, content: bytes) -> None:
    reading.run({name: content})
    assert reading.warnings[0]["columns"] == ["more", "other"]


def test_one_batch_is_made_in_advance(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "SEVERAL_FILES_BYTES", 1)
    made, _ = reading.batches(dict.fromkeys(("x.csv", "y.csv", "z.csv", "zz.csv"), b"a,b\n1,2\n"))
    each = iter(made)
    assert [next(each).segments[0].source for _ in range(2)] == [0, 1]
    each.close()  # waits for the one that is being made
    assert reading.read == 3


@pytest.mark.parametrize("names", [["x.csv.gz"], [f"{number}.csv.gz" for number in range(8)], ["x.csv", "y.csv"]])
def test_the_first_batches_of_text_are_small(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, small_pieces: int, names: list[str]
) -> None:
    monkeypatch.setattr(batches, "BEGIN_BYTES", 10_000)
    for size in ("FIRST_BATCH_BYTES", "LARGEST_BATCH_BYTES", "SEVERAL_FILES_BYTES"):
        monkeypatch.setattr(batches, size, 10**6)
    text = b"123456789,123456789\n" * (8_000 // len(names))
    pack = gzip.compress if names[0].endswith(".gz") else bytes
    found, _ = reading.run(dict.fromkeys(names, pack(b"a,b\n" + text)))
    sizes = [sum(length for _, length in batch) for batch in found]
    assert sum(sizes) == len(text) * len(names)
    if len(names) == 2:  # a plain file is taken as it is
        assert sizes == [80_000, 80_000]
    else:
        assert sizes[0] < sizes[1] < sizes[2]
        assert sizes[0] < 30_000


class Downloading(LocalStorage):
    """Gives copies, as S3 does: they are deleted when nobody needs them any more."""

    remote = True

    def open_local(self, file: StoredFile, scratch: Path) -> Path:
        copy = scratch / f"copy-of-{Path(file.uri).name}"
        copy.write_bytes(Path(file.uri).read_bytes())
        return copy


ROWS, OTHERS = b"a,b\n1,2\n", b"b,a\n1,2\n"


@pytest.mark.parametrize(
    ("files", "most", "counts"),
    [
        ({"a.csv": ROWS}, 500, [1]),
        ({"a.csv": ROWS, "b.csv": ROWS}, 500, [2]),
        ({"a.csv": ROWS, "b.csv": ROWS, "c.csv": ROWS}, 1, [1, 1, 1]),
        ({"a.csv": ROWS, "b.csv": OTHERS}, 500, [1, 1]),
    ],
)
def test_a_batch_keeps_its_copies_until_it_is_done_with(
    reading: Reading, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], most: int, counts: list[int]
) -> None:
    monkeypatch.setattr(batches, "MOST_SEGMENTS", most)
    made, _ = reading.batches(files, storage=Downloading())
    found = []
    for batch in made:
        made._thread.submit(bool).result()  # the next one has been made then
        assert all(segment.path.read_bytes() for segment in batch.segments)
        found.append(len(batch.segments))
        batch.resources.close()
    assert found == counts
    assert reading.copies == []


def test_a_batch_keeps_its_copies_when_the_next_file_turns_out_to_be_broken(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue_python_job.text.reader.CHUNK_BYTES", 4096)  # what is read of a file to see its header
    packed = gzip.compress(b"b,a\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(300_000)))
    made, _ = reading.batches({"a.csv": ROWS, "b.csv.gz": packed[: len(packed) // 2]}, storage=Downloading())
    first = next(iterator := iter(made))
    with pytest.raises(JobError):
        made._next.result()
    assert first.segments[0].path.read_bytes() == ROWS
    first.resources.close()
    with pytest.raises(JobError, match=r"b\.csv\.gz"):
        next(iterator)
    assert reading.copies == []
