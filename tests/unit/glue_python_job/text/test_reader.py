from __future__ import annotations

import bz2
import gzip
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from dataset_contract.model import SOURCE, Column, CsvDialect, DataObject
from dataset_contract.types import parse
from glue_python_job.errors import JobError
from glue_python_job.text.decoding import open_text
from glue_python_job.text.layout import OTHER_FIELDS, QUOTED_LINE_END, Layout
from glue_python_job.text.reader import Batch, Segment, TextReader, ranged
from glue_python_job.text.records import MAX_RECORD_BYTES

Read = Callable[..., TextReader]


def items(**dialect: Any) -> DataObject:
    columns = tuple(Column(name, parse("VARCHAR"), name) for name in ("a", "b"))
    return DataObject("items", SOURCE, columns, csv=CsvDialect(**dialect))


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Read]:
    directory = tmp_path / "in"
    directory.mkdir()
    with ExitStack() as opened:

        def reader(content: bytes, file_format: str = "csv", *, whole: bool = False, **dialect: Any) -> TextReader:
            path = directory / "x"
            path.write_bytes(content)
            text = opened.enter_context(open_text(path, f"/in/x.{file_format}", items(**dialect)))
            return TextReader(text, 3, items(**dialect), whole=whole)

        yield reader


def layout_of(reader: TextReader) -> Layout:
    assert reader.layout is not None
    return reader.layout


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


def test_the_header_is_no_part_of_a_segment(read: Read, tmp_path: Path) -> None:
    reader = read(b"b,a,extra\n1,2,3\n")
    (segment,) = segments(reader, tmp_path, 10**9)
    assert layout_of(reader).columns == ("b", "a", "extra")
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
        (b'"a","b"\n', 2),
        (b"a,b,c\n", 2),
        (b" a , b\n", 2),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_headers(read: Read, tmp_path: Path, header: bytes, first_line: int, whole: bool) -> None:
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
def test_a_file_is_taken_whole_when_one_line_is_before_its_records(read: Read, header: bytes, whole: bool) -> None:
    reader = read(header + b"1,2\n", whole=True)
    assert reader.whole is whole
    assert layout_of(reader).skip == int(whole)


def test_the_line_end_of_the_header_is_that_of_the_file(read: Read) -> None:
    assert layout_of(read(b"a,b\r\n1,2\r\n")).newline == "\\r\\n"
    assert layout_of(read(b"a,b\n1,2\n")).newline == "\\n"
    assert layout_of(read(b"1,2\r\n3,4\r\n", header=False)).newline == "\\r\\n"


@pytest.mark.parametrize("text", [b"a,b", b"a,b\n"])
@pytest.mark.parametrize("whole", [False, True])
def test_a_header_alone_has_no_segment(read: Read, tmp_path: Path, text: bytes, whole: bool) -> None:
    reader = read(text, whole=whole)
    path = tmp_path / "x"
    path.write_bytes(text)
    assert (reader.rest(path) if whole else reader.cut(path, 10**9)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"c\n", "contract column a .and b. is missing from the file /in/x.csv; columns found: c"),
        (b"b,c\n1,2\n", "contract column a is missing from the file /in/x.csv; columns found: b, c"),
        (b"A,b,A\n", "column a occurs twice in the file /in/x.csv; columns found: A, b, A"),
        (b"a,b,a\n", "column a occurs twice in the file /in/x.csv"),
        (b"a;b\n", "columns found: a;b"),
        (b"\xff\xfea\0,\0b\n", "/in/x.csv is UTF-16 by its first bytes; set encoding to utf-16"),
        (b"a,b,\xff\n", "the header of /in/x.csv cannot be read: invalid UTF-8; store the file as UTF-8, or set"),
        (b"a,b\r1,2\r", "the header of /in/x.csv cannot be read: carriage return"),
        (b'a,"b\n1,2\n', "the header of /in/x.csv cannot be read: unterminated"),
        (b'"a" ,"b"\n1,2\n', "the header of /in/x.csv cannot be read: unterminated or misplaced quote"),
    ],
)
def test_a_header_that_cannot_be_used(read: Read, text: bytes, message: str) -> None:
    with pytest.raises(JobError, match=message):
        read(text)


def test_segments_end_at_records_and_make_up_the_file(read: Read, tmp_path: Path, small_pieces: int) -> None:
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


def test_a_tail_begins_the_segment_that_it_is_put_before(read: Read, tmp_path: Path, small_pieces: int) -> None:
    first, second = segments(read(b"a,b\n" + b"1,2\n" * 10_000), tmp_path, 5_000)[:2]
    tail, text = content(first)[-8:], content(second)
    lines = second.lines
    second.prepend(tail)
    assert content(second) == tail + text
    assert (second.offset, second.length) == (first.offset + first.length - 8, len(text) + 8)
    assert (second.first_line, second.lines) == (first.first_line + first.lines - 2, lines + 2)
    assert second.suspect


def test_quotes_that_never_close_do_not_stop_the_cutting(read: Read, tmp_path: Path, small_pieces: int) -> None:
    found = segments(read(b'a,b\n1,"2\n' + b"1,2\n" * 20_000), tmp_path, 5_000)
    assert len(found) > 1
    assert found[0].suspect
    assert all(content(segment).endswith(b"\n") for segment in found)


def test_a_line_without_end_is_kept_together(read: Read, tmp_path: Path, small_pieces: int) -> None:
    found = segments(read(b"a,b\n" + b"x" * 60_000 + b"\n" + b"1,2\n" * 3_000), tmp_path, 5_000)
    assert content(found[0]).startswith(b"x" * 60_000 + b"\n")


@pytest.mark.parametrize("text", [b"1,\0\n", b"1,\xff\n", b"1,\xc3\n", b"1,\xc3"])
def test_bytes_that_are_no_text_make_a_segment_suspect(read: Read, tmp_path: Path, text: bytes) -> None:
    assert segments(read(b"a,b\n" + text), tmp_path, 10**9)[0].suspect


def test_a_character_may_lie_across_two_chunks(read: Read, tmp_path: Path, small_pieces: int) -> None:
    for shift in range(3):
        body = b"x" * shift + ",".join(["ä€"] * 2).encode() + b"\n" + "é€,ü\n".encode() * 3_000
        assert not any(segment.suspect for segment in segments(read(b"a,b\n" + body), tmp_path, 5_000))


def test_json_is_cut_at_any_line_end(read: Read, tmp_path: Path, small_pieces: int) -> None:
    found = segments(read(b'{"a":"\\""}\n' * 2_000, "json"), tmp_path, 5_000)
    assert len(found) > 2
    assert all(content(segment).startswith(b'{"a"') for segment in found)


def test_the_sample_is_what_comes_first(read: Read) -> None:
    assert read(b'{"a":1}\n{"b":2}\n{}\n', "json").sample(2) == [b'{"a":1}', b'{"b":2}']


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.csv.bz2"])
def test_a_range_of_a_text(tmp_path: Path, name: str) -> None:
    pack: Any = {"x.csv": bytes, "x.csv.gz": gzip.compress, "x.csv.bz2": bz2.compress}[name]
    packed = pack(b"0123456789")
    (tmp_path / name).write_bytes(packed)
    with open_text(tmp_path / name, name, items()) as text:
        read_range = ranged(text, 3, 5)
        assert read_range(2) + read_range(100) + read_range(100) == b"34567"


@pytest.mark.parametrize(
    ("header", "columns", "surplus"),
    [
        (b"A,b\n", ("A", "b"), []),
        (b"A,B,a\n", ("A", "B", "a"), ["A"]),
        (b" a , b\n", ("a", "b"), []),
    ],
)
def test_a_name_may_differ_by_case_where_no_other_is_the_same(
    read: Read, header: bytes, columns: tuple[str, ...], surplus: list[str]
) -> None:
    reader = read(header)
    assert layout_of(reader).columns == columns
    assert reader.surplus == surplus
    assert [columns[layout_of(reader).position(column)].lower() for column in items().columns] == ["a", "b"]


def test_without_a_header_columns_go_by_position(read: Read, tmp_path: Path) -> None:
    reader = read(b"1,2\n", header=False)
    assert layout_of(reader).columns == ("a", "b")
    (segment,) = segments(reader, tmp_path, 10**9)
    assert (content(segment), segment.first_line, layout_of(reader).skip) == (b"1,2\n", 1, 0)


def test_lines_and_comments_before_the_header_are_skipped_and_counted(read: Read, tmp_path: Path) -> None:
    reader = read(b'a,b "title\n\n#a,b\na,b\n1,2\n', skip_lines=1, comment="#", whole=True)
    assert not reader.whole
    (segment,) = segments(reader, tmp_path, 10**9)
    assert (content(segment), segment.first_line, segment.offset) == (b"1,2\n", 5, 21)


def test_more_lines_to_skip_than_there_are(read: Read) -> None:
    assert read(b"a,b\n1,2\n", skip_lines=10**20).layout is None


@pytest.mark.parametrize("head", [b"a,b\n", b"\xef\xbb\xbfa,b\n"])
def test_a_mark_that_belongs_to_the_first_value_is_kept_from_duckdb(read: Read, tmp_path: Path, head: bytes) -> None:
    body = b"\xef\xbb\xbfx,1\n"
    (segment,) = segments(read(head + body), tmp_path, 10**9)
    assert (content(segment), segment.length, segment.offset) == (body, len(body), len(head))
    scan = segment.layout.scan([segment.path], items())
    assert duckdb.sql(f"FROM {scan}").fetchall() == [("\ufeffx", "1")]


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [
        (b'"a", "b"\n', True),
        (b'"a",  "b"\n', True),
        (b' "a",b\n', True),
        (b'1,2\n "a",b\n', True),
        (b'"a" ,b\n', True),
        (b'a,"b"  \n', True),
        (b'a,"b" \r\n', True),
        (b'a,"b" ', True),
        (b'"a"  "c",b\n', True),
        (b'a,"said ""b"" , c"\n', False),
        (b'a," , "\n" ",b\n', False),
        (b'a," , "\n" ",b\n "a",b\n', True),
        (b'5" x, "b"\n', True),
        (b'a,"said ""b"" and c"\n', False),
        (b'a b , c \n "\n'[:-3], False),
        (b'"a","b"\n', False),
    ],
)
def test_blanks_beside_quotes_make_a_segment_doubtful(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, doubtful: bool
) -> None:
    assert segments(read(b"a,b\n" + text), tmp_path, 10**9)[0].doubtful is doubtful
    for size in range(4, len(text) + 4):  # wherever a chunk ends
        monkeypatch.setattr("glue_python_job.text.reader.CHUNK_BYTES", size)
        assert segments(read(b"a,b\n" + text), tmp_path, 10**9)[0].doubtful is doubtful


def test_a_text_of_which_many_lines_are_to_be_checked_is_doubtful(read: Read, tmp_path: Path) -> None:
    for lines, doubtful in ((100, False), (101, True)):
        text = b"a,b\n" + b'a,"b, "\n' * lines
        assert segments(read(text), tmp_path, 10**9)[0].doubtful is doubtful


def test_a_line_that_is_longer_than_a_record_is_doubtful(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue_python_job.text.reader.CHUNK_BYTES", 2**20)
    for size, doubtful in ((MAX_RECORD_BYTES // 2, False), (2 * MAX_RECORD_BYTES, True)):
        (segment,) = segments(read(b"a,b\n" + b'1,"' + b"x" * size + b'"\n'), tmp_path, 10**9)
        assert segment.doubtful is doubtful


@pytest.mark.parametrize("text", [b"", b"\n\n", b"#a,b\n"])
def test_a_text_without_a_header_has_no_layout(read: Read, text: bytes) -> None:
    assert read(text, comment="#").layout is None


def test_a_header_of_a_trailing_delimiter(read: Read) -> None:
    assert layout_of(read(b"a|b|\n", delimiter="|", trailing_delimiter=True)).columns == ("a", "b")
    with pytest.raises(JobError, match=r"the header of /in/x.csv does not end with the delimiter"):
        read(b"a|b\n", delimiter="|", trailing_delimiter=True)


@pytest.mark.parametrize(
    ("dialect", "suspect"),
    [
        ({}, False),
        ({"delimiter": "|"}, False),
        ({"comment": "#"}, True),
        ({"comment": "##"}, True),  # its second sign may be in the next chunk
        ({"comment": "!"}, False),
        ({"delimiter": "||"}, True),
        ({"escape": "\\"}, True),
        ({"quote": "", "escape": ""}, False),
        ({"trailing_delimiter": True}, False),
        ({"encoding": "latin-1"}, False),
    ],
)
def test_duckdb_reads_the_usual_dialects_only(read: Read, tmp_path: Path, dialect: Any, suspect: bool) -> None:
    sign = dialect.get("delimiter", ",")
    line = f"#{sign}2{sign if 'trailing_delimiter' in dialect else ''}\n"
    (segment,) = segments(read(f"{line}{line}".encode(), header=False, **dialect), tmp_path, 10**9)
    assert segment.suspect is suspect


def test_the_lines_of_an_array_are_those_of_its_file(read: Read, tmp_path: Path, small_pieces: int) -> None:
    text = b"\n[\n" + b",\n".join(b'{"a":\n"%d"}' % number for number in range(3_000)) + b"]"
    found = segments(read(text, "json"), tmp_path, 5_000)
    assert len(found) > 4
    line = 1
    for segment in found:
        assert segment.first_line == line
        assert segment.suspect
        line += content(segment).count(b"\x1e")
    assert line == text.count(b"\n") + 1


@pytest.mark.parametrize(
    ("written", "lines", "counted", "fits"),
    [(3, 3, True, True), (2, 3, True, False), (3, 3, False, False)],
)
def test_a_batch_adds_up(tmp_path: Path, written: int, lines: int, counted: bool, fits: bool) -> None:
    layout = Layout("csv", ("a", "b"))
    segment = Segment(0, tmp_path, layout, lines=lines)
    assert Batch(layout, [segment]).adds_up(written, counted) is fits
    segment.doubtful = True
    assert not Batch(layout, [segment]).adds_up(written, counted)
    segment.parsed = tmp_path  # of what was split exactly, every record has its fields
    assert Batch(layout, [segment]).adds_up(written, counted) is (written == lines)


COUNTED = [
    ("a,b,c\n", [("a", "b", "c")]),
    ('a,"b,""x",c\n', [("a", 'b,"x', "c")]),
    ("a,,\n", [("a", "", "")]),
    ("a,b,c,\n", OTHER_FIELDS),
    ("a,b,c,,,\n", OTHER_FIELDS),
    ("a,b,c,d\n", OTHER_FIELDS),
    ("a,b\n", OTHER_FIELDS),
    ("a,b,\n1,2,3\n4,5\n", OTHER_FIELDS),
    ('a,"b\nx",c\n', QUOTED_LINE_END),
]


@pytest.mark.parametrize(("text", "expected"), COUNTED)
def test_duckdb_counts_the_fields_of_each_record(tmp_path: Path, text: str, expected: Any) -> None:
    file = tmp_path / "x.csv"
    layout, item = Layout("csv", ("a", "b", "c")), items()
    file.write_text(text)
    scan = layout.scan([file], item, counted=True)
    if isinstance(expected, list):
        assert duckdb.sql(f"FROM {scan}").fetchall() == expected
        return
    with pytest.raises(duckdb.Error, match=expected):
        duckdb.sql(f"FROM {scan}").fetchall()


@pytest.mark.parametrize(
    ("text", "good"),
    [("a|b|c|\n", True), ("a|b|c\n", False), ("a|b|c||\n", False), ("a|b|c|d\n", False), ("a|b|\n", False)],
)
def test_duckdb_counts_the_fields_before_a_trailing_delimiter(tmp_path: Path, text: str, good: bool) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    dialect = CsvDialect(delimiter="|", trailing_delimiter=True)
    scan = Layout("csv", ("a", "b", "c"), dialect=dialect).scan([file], items(), counted=True)
    if good:
        assert duckdb.sql(f"FROM {scan}").fetchall() == [("a", "b", "c")]
        return
    with pytest.raises(duckdb.Error, match=OTHER_FIELDS):
        duckdb.sql(f"FROM {scan}").fetchall()
