from __future__ import annotations

import random
from pathlib import Path

import pytest

from glue_python_job.text import counting, records
from glue_python_job.text.counting import count, has_empty_line
from glue_python_job.text.grammar import CsvGrammar
from glue_python_job.text.layout import CSV, Layout
from glue_python_job.text.reader import Segment
from glue_python_job.text.records import kept

TWO, THREE = CsvGrammar(2), CsvGrammar(3)


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    return Segment(0, tmp_path / "text", Layout(CSV, ("a", "b")))


def counted(segment: Segment, text: bytes, grammar: CsvGrammar = TWO) -> tuple[int | None, int, bool]:
    """(records, empty lines, whether none has a surplus field)."""
    segment.path.write_bytes(text)
    good = count(segment, grammar)
    return segment.rows, segment.empty_lines, good


@pytest.mark.parametrize(
    ("text", "number", "empty"),
    [
        (b"", 0, 0),
        (b"a,b", 1, 0),
        (b"a,b\n", 1, 0),
        (b"a,b\r\nc,d\r", 2, 0),
        (b"\n\na,b\n\r\n\n", 1, 4),
        (b'"a\nb",c\nd,"e\n\n"\n', 2, 0),
        (b'"a""\n""b",c\n', 1, 0),
        (b'"",""\n', 1, 0),
        (b'"""a""",b\n', 1, 0),
        (b'a"b,c\nd"e,f\n', 2, 0),
        (b'5",a\n\n6",b\n', 2, 1),
        (b'a "b" ,c\n', 1, 0),
    ],
)
def test_the_records_of_a_text(segment: Segment, text: bytes, number: int, empty: int) -> None:
    assert counted(segment, text) == (number, empty, True)


@pytest.mark.parametrize(
    "text",
    [
        b"a,b,\n",
        b"a,,b,\n",
        b'"a,",b,\n',
        b'"a,",b,""\n',
        b"\na,b,\n",  # as many delimiters as two lines need
        b'5",a,\n6",b\n',
        b"a,b\nc,d,,",
        b'"a" ,b\n',  # and so is a blank beside a quote
        b'a, "b"\n',
        b'"a" "b",c\n',
    ],
)
def test_a_surplus_field_is_seen_also_where_it_is_empty(segment: Segment, text: bytes) -> None:
    assert not counted(segment, text)[2]


def test_delimiters_and_quotes_are_those_of_the_dialect(segment: Segment) -> None:
    pipes = CsvGrammar(2, delimiter=b"|", quote=b"'", escape=b"'")
    assert counted(segment, b"'a|\n'|b,\"\nc|d\n", pipes) == (2, 0, True)
    assert counted(segment, b"'a'|b|\n", pipes) == (1, 0, False)
    assert counted(segment, b"a|b|\n'c'|d|\n", CsvGrammar(2, delimiter=b"|", trailing=True)) == (2, 0, True)
    assert counted(segment, b'"a\tb\n', CsvGrammar(2, delimiter=b"\t", quote=b"", escape=b"")) == (1, 0, True)


def test_a_well_quoted_text_is_counted_without_splitting_it(segment: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("split record by record")

    monkeypatch.setattr(records, "Splitter", refuse)
    assert counted(segment, b'"a\n""b",c\n' * 1000 + b"d,e") == (1001, 0, True)
    with pytest.raises(AssertionError, match="split record by record"):
        counted(segment, b'5" disk,c\n')


@pytest.mark.parametrize("seed", range(3))
def test_the_count_is_that_of_the_splitter_wherever_windows_end(segment: Segment, small_pieces: int, seed: int) -> None:
    random_ = random.Random(seed)
    fields = ["a", "", '"x"', '"x\ny"', '"x""\r\n""y"', '""', "12345", '5" d' if seed == 2 else "5 d", '"a,b"']
    lines = [",".join(random_.choice(fields) for _ in range(3)) for _ in range(4_000)]
    text = random_.choice(["\n", "\r\n"]).join(line if random_.random() < 0.95 else "" for line in lines).encode()
    assert len(text) > 5 * small_pieces
    rows, empty, good = counted(segment, text, THREE)
    assert good
    with segment.open() as handle:
        assert rows == sum(len(run.raws) for run in kept(handle.read, THREE))
    assert empty == len(lines) - (rows or 0)
    with segment.open() as handle:
        assert (counting._outside_quotes(handle, THREE) is None) == (seed == 2)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", False),
        (b"1,2\n3,4\n", False),
        (b"1,2\r\n3,4\r\n", False),
        (b"\n1,2\n", True),
        (b"\r\n1,2\r\n", True),
        (b"1,2\n\n3,4\n", True),
        (b"1,2\r\n\r\n3,4\r\n", True),
        (b"1,2\n\n", True),
    ],
)
def test_empty_lines_are_seen_wherever_a_window_ends(
    segment: Segment, monkeypatch: pytest.MonkeyPatch, text: bytes, found: bool
) -> None:
    segment.path.write_bytes(text)
    for size in range(1, len(text) + 2):
        monkeypatch.setattr(records, "WINDOW_BYTES", size)
        assert has_empty_line(segment) is found, size
