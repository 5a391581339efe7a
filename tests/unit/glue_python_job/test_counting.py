from __future__ import annotations

import io
import random

import pytest

from glue_python_job import records
from glue_python_job.counting import count_records
from glue_python_job.grammar import CsvGrammar, Grammar, JsonGrammar
from glue_python_job.records import kept


def count(text: bytes, grammar: Grammar) -> int:
    return count_records(lambda: io.BytesIO(text), grammar)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"", 0),
        (b"a,b", 1),
        (b"a,b\n", 1),
        (b"a,b\r\nc,d\r", 2),
        (b"\n\na,b\n\r\n\n", 1),
        (b'"a\nb",c\nd,"e\n\n"\n', 2),
        (b'"a""\n""b",c\n', 1),
        (b'"",""\n', 1),
        (b'"""a""",b\n', 1),
        (b'a"b,c\nd"e,f\n', 2),
        (b'5",a\n6",b\n', 2),
        (b' "a\nb",c\n', 1),
    ],
)
def test_the_records_of_a_csv_text(text: bytes, number: int) -> None:
    assert count(text, CsvGrammar(2)) == number


def test_blank_lines_of_a_single_column_count() -> None:
    assert count(b"a\n\nb\n", CsvGrammar(1)) == 3


def test_the_records_of_json_lines() -> None:
    assert count(b'{"a":"\\""}\n \t\r\n\n{}\n"', JsonGrammar()) == 3


def test_a_well_quoted_text_is_counted_without_splitting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("split record by record")

    monkeypatch.setattr(records, "kept", refuse)
    assert count(b'"a\n""b",c\n' * 1000 + b"d,e", CsvGrammar(2)) == 1001
    with pytest.raises(AssertionError, match="split record by record"):
        count(b'5" disk,c\n', CsvGrammar(2))


@pytest.mark.parametrize("seed", range(3))
def test_the_count_is_that_of_the_splitter_wherever_windows_end(small_pieces: int, seed: int) -> None:
    random_ = random.Random(seed)
    fields = ["a", "", '"x"', '"x\ny"', '"x""\r\n""y"', '""', "12345", '5" d' if seed == 2 else "5 d"]
    lines = [",".join(random_.choice(fields) for _ in range(3)) for _ in range(4_000)]
    text = random_.choice(["\n", "\r\n"]).join(line if random_.random() < 0.95 else "" for line in lines).encode()
    assert len(text) > 5 * small_pieces
    grammar = CsvGrammar(3)
    assert count(text, grammar) == sum(len(run.raws) for run in kept(io.BytesIO(text).read, grammar))
