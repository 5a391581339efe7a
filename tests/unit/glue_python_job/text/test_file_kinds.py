from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import duckdb
import pytest

from glue_python_job.errors import JobError
from glue_python_job.text.file_kinds import COMPRESSIONS, SUFFIXES, FileKind, kind_of

ZSTD = b"\x28\xb5\x2f\xfd rest"


def kind(path: Path, name: str, content: bytes) -> FileKind:
    path.write_bytes(content)
    return kind_of(path, f"s3://b/dir.x/{name}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_name_tells_the_format(path: Path, suffix: str) -> None:
    assert kind(path, f"x.y{suffix}", b"a") == FileKind(SUFFIXES[suffix])
    assert kind(path, f"X{suffix.upper()}", b"a") == FileKind(SUFFIXES[suffix])


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".parquet"])
@pytest.mark.parametrize(
    ("ending", "content"), [(".gz", gzip.compress(b"a", mtime=0)), (".bz2", bz2.compress(b"a")), (".zst", ZSTD)]
)
def test_a_name_tells_the_compression(path: Path, suffix: str, ending: str, content: bytes) -> None:
    assert kind(path, f"x{suffix}{ending}", content) == FileKind(SUFFIXES[suffix], COMPRESSIONS[ending])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.csv", gzip.compress(b"a", mtime=0), FileKind("csv", "gzip", "is gzip, in spite of its name")),
        ("x.csv.gz", bz2.compress(b""), FileKind("csv", "bzip2", "is bzip2, in spite of its name")),
        ("x.json.zst", b"{}", FileKind("json", "", "is not compressed, in spite of its name")),
        ("x.csv", b"PAR1 PAR1", FileKind("parquet", "", "is Parquet, in spite of its name")),
        ("x", b"PAR1 PAR1", FileKind("parquet", "", "is Parquet, in spite of its name")),
        ("x.csv", b"PAR1,a\n", FileKind("csv")),
        ("x.csv", b"BZh9,a\n", FileKind("csv")),
        ("x.csv", b"ORC,a\n", FileKind("csv")),
        ("x.csv.gz", b"", FileKind("csv")),
    ],
)
def test_the_first_bytes_are_right_where_the_name_is_not(
    path: Path, name: str, content: bytes, expected: FileKind
) -> None:
    assert kind(path, name, content) == expected


@pytest.mark.parametrize("name", ["x.xml", "x", "x.csv.zip", "x.parquet.gz", "x.csv.bak", "csv", "x.gz"])
def test_a_name_of_no_format(path: Path, name: str) -> None:
    with pytest.raises(JobError, match=f"{name} is not of a known format; its name must end with one of .csv, "):
        kind(path, name, b"a,b")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04\x14\x00", r"a ZIP file or an Excel workbook \(.xlsx\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an Excel workbook \(.xls\)"),
        (b"Obj\x01\x04", "an Avro file"),
        (b"ORC\x11 ORC\x17", "an ORC file"),
        (b"\xfd7zXZ\x00", "an xz file"),
    ],
)
def test_other_kinds_are_refused_by_name(path: Path, content: bytes, told: str) -> None:
    with pytest.raises(JobError, match=f"s3://b/dir.x/x.csv is {told}, which is not read"):
        kind(path, "x.csv", content)


def test_a_parquet_file_of_duckdb(path: Path) -> None:
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{path}' (FORMAT parquet)")
    assert kind_of(path, "x.parquet") == FileKind("parquet")
