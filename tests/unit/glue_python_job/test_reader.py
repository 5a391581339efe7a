from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, Callable

import pytest

from glue_python_job import contract as contracts
from glue_python_job.errors import JobError
from glue_python_job.reader import Segment, TextReader, ranged
from glue_python_job.storage import StoredFile


@pytest.fixture
def read(contract_of: Callable[..., str]) -> Callable[..., TextReader]:
    contract = contracts.parse(contract_of([{"name": "a"}, {"name": "b"}]))

    def reader(content: bytes, file_format: str = "csv", *, whole: bool = False) -> TextReader:
        file = StoredFile(f"/in/x.{file_format}", len(content))
        return TextReader(io.BytesIO(content), file, 3, file_format, contract, whole=whole)

    return reader


def segments(reader: TextReader, directory: Path, limit: int) -> list[Segment]:
    found: list[Segment] = []
    while segment := reader.cut(directory / str(len(found)), limit):
        found.append(segment)
        if segment.final:
            break
    return found


def content(segment: Segment) -> bytes:
    with segment.open() as handle:
        return handle.read()


def test_the_header_is_no_part_of_a_segment(read: Callable[..., TextReader], tmp_path: Path) -> None:
    reader = read(b"b,a,extra\n1,2,3\n")
    (segment,) = segments(reader, tmp_path, 10**9)
    assert reader.layout.columns == ("b", "a", "extra")
    assert reader.surplus == ["extra"]
    assert content(segment) == b"1,2,3\n"
    assert (segment.source, segment.offset, segment.length, segment.first_line, segment.lines) == (3, 10, 6, 2, 1)
    assert segment.final


@pytest.mark.parametrize(
    ("header", "first_line"),
    [
        (b"a,b\n", 2),
        (b"\xef\xbb\xbfa,b\n", 2),
        (b"\n\na,b\n", 4),
        (b'a,b,"x\ny"\n', 3),
        (b'"a" ,"b"\n', 2),
        (b"a,b,c\n", 2),
        (b" a , b\n", 2),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_headers(read: Callable[..., TextReader], tmp_path: Path, header: bytes, first_line: int, whole: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(header + b"1,2\n")
    reader = read(header + b"1,2\n", whole=whole)
    segment = reader.rest(path) if reader.whole else reader.cut(tmp_path / "cut", 10**9)
    assert segment
    assert content(segment) == b"1,2\n"
    assert segment.first_line == first_line
    assert segment.offset == len(header)


@pytest.mark.parametrize(
    ("header", "whole"), [(b"a,b\n", True), (b"\xef\xbb\xbfa,b\n", False), (b"\na,b\n", False), (b'"a",b\n', False)]
)
def test_a_file_is_taken_whole_when_one_line_is_before_its_records(
    read: Callable[..., TextReader], header: bytes, whole: bool
) -> None:
    reader = read(header + b"1,2\n", whole=True)
    assert reader.whole is whole
    assert reader.layout.skip == int(whole)


def test_the_line_end_of_the_header_is_that_of_the_file(read: Callable[..., TextReader]) -> None:
    assert read(b"a,b\r\n1,2\r\n").layout.newline == "\\r\\n"
    assert read(b"a,b\n1,2\n").layout.newline == "\\n"
    assert read(b"{}\r\n", "json").layout.newline == "\\r\\n"
    assert read(b"{}\n", "json").layout.newline == "\\n"


@pytest.mark.parametrize("text", [b"a,b", b"a,b\n"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_header_alone_has_no_segment(
    read: Callable[..., TextReader], tmp_path: Path, text: bytes, whole: bool
) -> None:
    reader = read(text, whole=whole)
    path = tmp_path / "x"
    path.write_bytes(text)
    assert (reader.rest(path) if whole else reader.cut(path, 10**9)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "contract column a .and b. is missing from the file /in/x.csv; columns found: none"),
        (b"b,c\n1,2\n", "contract column a is missing from the file /in/x.csv; columns found: b, c"),
        (b"A,b\n", "contract column a is missing .* columns found: A, b"),
        (b"a,b,a\n", "column a is there twice in the file /in/x.csv"),
        (b"a;b\n", "columns found: a;b"),
        (b"\xff\xfea\0,\0b\n", "the header of /in/x.csv is not UTF-8"),
        (b"a,b\r1,2\r", "the header of /in/x.csv is not CSV: carriage return"),
        (b'a,"b\n1,2\n', "the header of /in/x.csv is not CSV: unterminated"),
    ],
)
def test_a_header_that_cannot_be_used(read: Callable[..., TextReader], text: bytes, message: str) -> None:
    with pytest.raises(JobError, match=message):
        read(text)


def test_segments_end_at_records_and_make_up_the_file(
    read: Callable[..., TextReader], tmp_path: Path, small_pieces: int
) -> None:
    body = b"".join(
        b'%d,"line\n%d"\n' % (number, number) if number % 5 else b"%d,\n" % number for number in range(3_000)
    )
    found = segments(read(b"a,b\n" + body), tmp_path, 6_000)
    assert len(found) > 4
    assert b"".join(content(segment) for segment in found) == body
    line, offset = 2, 4
    for segment in found:
        text = content(segment)
        assert text.count(b'"') % 2 == 0
        assert text.endswith(b"\n")
        assert (segment.first_line, segment.offset, segment.length) == (line, offset, len(text))
        assert segment.lines == text.count(b"\n")
        assert not segment.suspect
        line += text.count(b"\n")
        offset += len(text)
    assert [segment.final for segment in found] == [False] * (len(found) - 1) + [True]


def test_a_tail_that_is_given_back_begins_the_next_segment(
    read: Callable[..., TextReader], tmp_path: Path, small_pieces: int
) -> None:
    reader = read(b"a,b\n" + b"1,2\n" * 5_000)
    first = reader.cut(tmp_path / "1", 5_000)
    assert first
    tail = content(first)[-8:]
    reader.give_back(tail)
    second = reader.cut(tmp_path / "2", 5_000)
    assert second
    assert second.offset == first.offset + first.length - 8
    assert second.first_line == first.first_line + first.lines - 2
    assert content(second).startswith(tail)


def test_quotes_that_never_close_do_not_stop_the_cutting(
    read: Callable[..., TextReader], tmp_path: Path, small_pieces: int
) -> None:
    found = segments(read(b'a,b\n1,"2\n' + b"1,2\n" * 20_000), tmp_path, 5_000)
    assert len(found) > 1
    assert found[0].suspect
    assert all(content(segment).endswith(b"\n") for segment in found)


def test_a_line_without_end_is_kept_together(
    read: Callable[..., TextReader], tmp_path: Path, small_pieces: int
) -> None:
    found = segments(read(b"a,b\n" + b"x" * 60_000 + b"\n" + b"1,2\n" * 3_000), tmp_path, 5_000)
    assert content(found[0]).startswith(b"x" * 60_000 + b"\n")


@pytest.mark.parametrize("text", [b"1,\0\n", b"1,\xff\n", b"1,\xc3\n", b"1,\xc3"])
def test_bytes_that_are_no_text_make_a_segment_suspect(
    read: Callable[..., TextReader], tmp_path: Path, text: bytes
) -> None:
    assert segments(read(b"a,b\n" + text), tmp_path, 10**9)[0].suspect


def test_a_character_may_lie_across_two_chunks(
    read: Callable[..., TextReader], tmp_path: Path, small_pieces: int
) -> None:
    for shift in range(3):
        body = b"x" * shift + ",".join(["ä€"] * 2).encode() + b"\n" + "é€,ü\n".encode() * 3_000
        assert not any(segment.suspect for segment in segments(read(b"a,b\n" + body), tmp_path, 5_000))


def test_json_is_cut_at_any_line_end(read: Callable[..., TextReader], tmp_path: Path, small_pieces: int) -> None:
    found = segments(read(b'{"a":"\\""}\n' * 2_000, "json"), tmp_path, 5_000)
    assert len(found) > 2
    assert all(content(segment).startswith(b'{"a"') for segment in found)


def test_the_sample_is_what_comes_first(read: Callable[..., TextReader]) -> None:
    assert read(b'{"a":1}\n{"b":2}\n{}\n', "json").sample(2) == [b'{"a":1}', b'{"b":2}']


def test_a_range_of_a_file(tmp_path: Path) -> None:
    for name, packed in (("x.csv", b"0123456789"), ("x.csv.gz", gzip.compress(b"0123456789"))):
        opened: Any = io.BytesIO(packed) if name == "x.csv" else gzip.GzipFile(fileobj=io.BytesIO(packed))
        read_range = ranged(opened, name, 3, 5)
        assert read_range(2) + read_range(100) + read_range(100) == b"34567"


def test_a_damaged_gzip_file_is_named(contract_of: Callable[..., str]) -> None:
    contract = contracts.parse(contract_of([{"name": "a"}]))
    whole = gzip.compress(b"a\n" + b"1\n" * 100_000)
    damages = {"cut": whole[: len(whole) // 2], "plain": b"a\n1\n", "garbled": whole[:20] + b"\xff" * 20 + whole[40:]}
    for damaged in damages.values():
        handle: Any = gzip.GzipFile(fileobj=io.BytesIO(damaged))
        with pytest.raises(JobError, match=r"/in/x.csv.gz is no complete gzip file"):
            TextReader(handle, StoredFile("/in/x.csv.gz", 1), 0, "csv", contract, whole=False)
