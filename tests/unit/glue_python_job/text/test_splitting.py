from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataset_contract import wording
from dataset_contract.model import SOURCE, Column, CsvDialect, DataObject
from dataset_contract.types import parse
from glue_python_job.text import grammar
from glue_python_job.text.layout import CSV, JSON, Layout
from glue_python_job.text.reader import Segment
from glue_python_job.text.splitting import split

ITEMS = DataObject("items", SOURCE, tuple(Column(name, parse("VARCHAR"), name) for name in ("a", "b")))


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    return Segment(0, tmp_path / "part", Layout(CSV, ("a", "b")), first_line=11)


def done(segment: Segment, text: bytes, layout: Layout) -> tuple[bytes, list[Any], bytes]:
    """The text written, what was refused, and what is left."""
    segment.path.write_bytes(text)
    segment.layout = layout
    segment.length = len(text)
    refused: list[Any] = []
    tail = split(segment, layout.grammar(ITEMS), lambda *given: refused.append(given))
    assert segment.parsed
    return segment.parsed.read_bytes(), refused, tail


def test_records_of_the_usual_dialect_are_written_as_they_are(segment: Segment) -> None:
    text = b'a,b\r\n\n"x\n","y"\n1,2,\n3\n\xff,4\n'
    written, refused, tail = done(segment, text, Layout(CSV, ("a", "b")))
    assert written == b'a,b\n"x\n","y"\n'
    assert refused == [
        (15, None, wording.TOO_MANY_FIELDS, "1,2,", b"1,2,"),
        (16, None, wording.TOO_FEW_FIELDS, "3", b"3"),
        (17, None, grammar.ENCODING, "\\xff,4", b"\xff,4"),
    ]
    assert (segment.rows, segment.lines, segment.malformed, segment.empty_lines, tail) == (2, 2, 3, 1, b"")


@pytest.mark.parametrize(
    ("layout", "text", "expected"),
    [
        (Layout(CSV, ("a", "b"), dialect=CsvDialect("||")), b'"x||""y"||,\n', b'"x||""y",",","."\n'),
        (Layout(CSV, ("a", "b"), dialect=CsvDialect(escape="\\")), b'"\\"",\n', b'"""","","."\n'),
        (Layout(CSV, ("a",)), b"x\n\n", b'"x","."\n"","."\n'),
        (Layout(JSON, ("a", "b")), b'{"b":"\\"\\n"}\n{"a":"","b":1.0}', b',"""\n","."\n"","1.0","."\n'),
    ],
)
def test_records_of_others_are_written_anew(segment: Segment, layout: Layout, text: bytes, expected: bytes) -> None:
    assert done(segment, text, layout) == (expected, [], b"")


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_mark_at_the_begin_of_the_first_value_is_not_lost(segment: Segment, quote: str) -> None:
    layout = Layout(CSV, ("a", "b"), dialect=CsvDialect(quote=quote, escape=quote))
    done(segment, b'1\n\xef\xbb\xbfa"b",2\n', layout)
    assert segment.parsed
    found = duckdb.sql(f"FROM {layout.split_text.scan([segment.parsed], ITEMS)}").fetchall()
    assert found == [('\ufeffa"b"', "2")]


def test_a_refused_row_of_json_has_its_column(segment: Segment) -> None:
    _, refused, _ = done(segment, b'{"a":1}\n{"b":[]}\n', Layout(JSON, ("a", "b")))
    assert refused == [(12, "b", "not a VARCHAR(256)", '{"b":[]}', b'{"b":[]}')]


@pytest.mark.parametrize("text", [b'"c\nd', b'"c\n', b'"c","d\n'])
def test_a_record_that_goes_on_is_left(segment: Segment, text: bytes) -> None:
    segment.final = False
    written, refused, tail = done(segment, b"a,b\n" + text, Layout(CSV, ("a", "b")))
    assert (written, refused, tail, segment.length) == (b"a,b\n", [], text, 4)
