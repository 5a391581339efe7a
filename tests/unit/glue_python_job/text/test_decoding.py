from __future__ import annotations

import bz2
import codecs
import gzip
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from dataset_contract.model import SOURCE, CsvDialect, DataObject
from glue_python_job.errors import JobError
from glue_python_job.text import decoding
from glue_python_job.text.decoding import open_text


def text_of(path: Path, name: str, content: bytes, size: int = 7, **dialect: Any) -> bytes:
    path.write_bytes(content)
    with open_text(path, name, DataObject("items", SOURCE, (), csv=CsvDialect(**dialect))) as text:
        parts = []
        while part := text.read(size):
            assert len(part) <= size
            parts.append(part)
        return b"".join(parts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x"


LONG = b"0123456789,abc\n" * 300_000


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_a_compressed_file_is_read_whatever_its_name(path: Path, name: str, compress: Any) -> None:
    assert text_of(path, name, compress(LONG), 1_000_000) == LONG


def test_several_members_of_gzip_are_one_text(path: Path) -> None:
    assert text_of(path, "x.csv.gz", gzip.compress(b"a,b\n") + gzip.compress(b"c,d\n")) == b"a,b\nc,d\n"


def test_the_text_of_a_small_zstd_file_comes_in_pieces(path: Path) -> None:
    zeros = 64 * 1024 * 1024
    path.write_bytes(zstandard.ZstdCompressor().compress(bytes(zeros)))
    assert path.stat().st_size < 10_000
    with path.open("rb") as handle:
        sizes = [len(piece) for piece in decoding._zstd(handle)]
    assert sum(sizes) == zeros
    assert max(sizes) <= zeros / 2


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_several_streams_of_bzip2_are_one_text(path: Path, size: int) -> None:
    begin, end = b"a,b\n" * (size // 4), bytes(range(256)) * 2_000
    streams = bz2.compress(begin), bz2.compress(end)
    assert text_of(path, "x.csv.bz2", b"".join(streams), 1_000_000) == begin + end
    for tail in (b"2,b\n", b"BZh0" + streams[1][4:], streams[1][:-1]):
        with pytest.raises(JobError, match=r"x\.csv\.bz2 is not a complete bzip2 file"):
            text_of(path, "x.csv.bz2", streams[0] + tail, 1_000_000)


def test_a_zstd_file_is_read(path: Path) -> None:
    duckdb.sql(f"COPY (SELECT range AS a, 'x' AS b FROM range(100000)) TO '{path}' (FORMAT csv, COMPRESSION zstd)")
    packed = path.read_bytes()
    text = "".join(["a,b\n", *(f"{number},x\n" for number in range(100_000))]).encode()
    assert text_of(path, "x.csv.zst", packed, 1_000_000) == text
    assert text_of(path, "x.csv", packed + packed, 1_000_000) == text + text
    for damaged in (packed[: len(packed) // 2], packed[:-1], packed + b"no frame"):
        with pytest.raises(JobError, match=r"x\.csv\.zst is not a complete zstd file"):
            text_of(path, "x.csv.zst", damaged, 1_000_000)


@pytest.mark.parametrize(("name", "compress"), [("gzip", gzip.compress), ("bzip2", bz2.compress)])
def test_a_damaged_file_is_named(path: Path, name: str, compress: Any) -> None:
    whole = compress(bytes(range(256)) * 2_000)
    for damaged in (whole[: len(whole) // 2], whole[:-3], whole[:40] + b"\xff" * 40 + whole[80:]):
        with pytest.raises(JobError, match=f"/in/x.csv is not a complete {name} file: .*; store it again"):
            text_of(path, "/in/x.csv", damaged, 1_000_000)


@pytest.mark.parametrize("packed", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_text_becomes_utf_8(path: Path, packed: str) -> None:
    text = "a,\u00e9\u00fc\n" * 700_000  # characters lie across the pieces
    found = text_of(path, "x.csv", text.encode(packed), 1_000_000, encoding=packed)
    assert found.decode("utf-8-sig") == text


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        ("cp1252", b"a\x81\n", b"a\xff\\x81\n"),
        ("utf-16-le", "a".encode("utf-16-le") + b"\x00\xd8" + "b".encode("utf-16-le"), b"a\xff\\x00\xff\\xd8b"),
        ("utf-16-le", "a".encode("utf-16-le") + b"b", b"a\xff\\x62"),
    ],
)
def test_what_cannot_be_decoded_is_marked(path: Path, encoding: str, content: bytes, expected: bytes) -> None:
    assert text_of(path, "x.csv", content, encoding=encoding) == expected


@pytest.mark.parametrize(("encoding", "size"), [("utf-16", 16), ("utf_32", 32)])
def test_what_needs_a_byte_order_mark_and_has_none_is_told(path: Path, encoding: str, size: int) -> None:
    for content in ("a,b\n".encode(f"utf-{size}-be"), b"a,b\n"):
        with pytest.raises(
            JobError, match=rf"x\.csv has no byte-order mark, .* set encoding to utf-{size}-le or utf-{size}-be"
        ):
            text_of(path, "x.csv", content, encoding=encoding)
    assert text_of(path, "x.csv", "a".encode(encoding), encoding=encoding) == b"a"
    assert text_of(path, "x.csv.gz", gzip.compress(b""), encoding=encoding) == b""


def test_utf_16_shows_by_its_first_bytes(path: Path) -> None:
    content = "[1]".encode("utf-16")
    assert text_of(path, "x.json", content) == b"1\n"
    for bom in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        with pytest.raises(JobError, match=r"x\.csv is UTF-16 by its first bytes; set encoding to utf-16"):
            text_of(path, "x.csv", bom + b"a\0")


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (b"[]", b""),
        (b" \n[ ] \n", b""),
        (b"\xef\xbb\xbf[{}]", b"{}\n"),
        (b'[{"a":1},{"b":"],["}]', b'{"a":1}\n{"b":"],["}\n'),
        (b'\n[\n{\n"a":1},\n\n2 , "x"]\n', b'\x1e\x1e{\x1e"a":1}\n\x1e\x1e2\n"x"\n'),
        (b'[{\r\n"a":1}]', b'{\x1d\x1e"a":1}\n'),
        (b'[{"a":"\x1e\x1d"},1]', b'{"a":"\x1f\x1f"}\n1\n'),
        (b'[{"a":\xff},{"b":"\xff"}]', b'{"a":\xff}\n{"b":"\xff"}\n'),
        # What is not JSON ends where its brackets and quotes close.
        (b'[{"a":1,},foo,{a:"]"}]', b'{"a":1,}\nfoo\n{a:"]"}\n'),
    ],
)
def test_an_array_becomes_a_line_for_each_element(path: Path, array: bytes, lines: bytes) -> None:
    assert text_of(path, "x.json", array) == lines


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (b'[{"a":1}', "line 1: expected a comma or the end of the array, found 'the end of the file'"),
        (b'[\n{"a":1},\n{"a":', "line 3: expected an element that ends"),
        (b'[{"a":1}\n{"b":2}]', "line 2: expected a comma or the end of the array, found '{\"b\":2}]'"),
        (b'[{"a":1},]', "line 1: expected an element that ends"),
        (b"[1]\n[2]", "line 2: expected nothing after the array, found '.2.'"),
        (b'[{"a":"x]', "line 1: expected an element that ends"),
    ],
)
def test_a_broken_array_is_told_with_its_line(path: Path, array: bytes, message: str) -> None:
    with pytest.raises(JobError, match=f"the JSON array in /in/x.json is broken in {message}"):
        text_of(path, "/in/x.json", array)


def test_the_lines_of_an_element_that_is_too_long_are_counted(path: Path, small_pieces: int) -> None:
    element = b'{"a":1,' + b"\n" * (small_pieces + 500) + b'"b":2}'
    found = text_of(path, "x.json", b"[" + b"\n" * (2 * small_pieces) + element + b",\n1]", 100_000)
    *before, cut, beyond, last = found.splitlines()
    assert before == [b"\x1e" * small_pieces] * 2
    assert cut == element.replace(b"\n", b"\x1e")[:small_pieces] + b"."  # a byte too many: it shows as too long
    assert (cut + beyond).count(b"\x1e") == element.count(b"\n")
    assert last == b"\x1e1"


def test_elements_may_lie_across_what_is_read_at_a_time(path: Path, small_pieces: int) -> None:
    elements = [b'{"a":"' + b"\xc3\xa9" * (number % 900) + b'"}' for number in range(2_000)]
    assert text_of(path, "x.json", b"[" + b",".join(elements) + b"]", 100_000) == b"".join(
        element + b"\n" for element in elements
    )


def test_an_element_without_end_is_given_up(path: Path, small_pieces: int) -> None:
    with pytest.raises(JobError, match=f"expected an element of {small_pieces} bytes at most"):
        text_of(path, "x.json", b'[{"a":"' + b"x" * 100_000, 100_000)
