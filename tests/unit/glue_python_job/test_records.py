from __future__ import annotations

import io
import random
from collections.abc import Iterable
from pathlib import Path

import duckdb
import pytest

from glue_python_job import grammar as grammars
from glue_python_job.grammar import CsvGrammar, Grammar, JsonGrammar
from glue_python_job.records import TOO_LONG, Run, Splitter, kept

TWO = CsvGrammar(2)


Record = tuple[int, bytes, str]


def flat(runs: Iterable[Run]) -> list[Record]:
    """(line, raw text, problem) of each record."""
    return [(run.line + index, raw, run.problem) for run in runs for index, raw in enumerate(run.raws)]


def split(text: bytes, grammar: Grammar = TWO, *, final: bool = True) -> list[Record]:
    return flat(Splitter(io.BytesIO(text).read, grammar, final=final).runs())


def test_a_line_is_a_record() -> None:
    assert split(b"a,b\nc,d\n") == [(0, b"a,b", ""), (1, b"c,d", "")]


def test_the_last_line_end_may_be_missing() -> None:
    assert split(b"a,b\nc,d") == [(0, b"a,b", ""), (1, b"c,d", "")]


def test_line_ends_may_be_mixed() -> None:
    assert split(b"a,b\r\nc,d\ne,f\r") == [(0, b"a,b", ""), (1, b"c,d", ""), (2, b"e,f", "")]


def test_a_quoted_line_end_is_within_the_record_and_counts_as_a_line() -> None:
    assert split(b'"a\nb\r\n",c\nd,e\n') == [(0, b'"a\nb\r\n",c', ""), (3, b"d,e", "")]


def test_blank_lines_are_no_records_but_count_as_lines() -> None:
    assert split(b"\na,b\n\r\n\nc,d\n\n") == [(1, b"a,b", ""), (4, b"c,d", "")]


def test_a_blank_line_of_a_single_column_is_a_record() -> None:
    assert split(b"a\n\nb\n", CsvGrammar(1)) == [(0, b"a", ""), (1, b"", ""), (2, b"b", "")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"a", grammars.TOO_FEW),
        (b'"a"', grammars.TOO_FEW),
        (b"a,b,c", grammars.TOO_MANY),
        (b'"a,b",c,d', grammars.TOO_MANY),
        (b"a,b,,c", grammars.TOO_MANY),
        (b'a,"b"c', grammars.QUOTES),
        (b'a,"b', grammars.QUOTES),
        (b'a,"', grammars.QUOTES),
        (b"a,b\rc", grammars.CARRIAGE_RETURN),
        (b"a,\xff", grammars.ENCODING),
        (b'"\xff",a', grammars.ENCODING),
        (b"a,\xc3", grammars.ENCODING),
        (b"a,\0", grammars.CONTROL),
        (b'a,"\0"', grammars.CONTROL),
        (b'a,"b\0",c', grammars.CONTROL),
    ],
)
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_what_is_no_record_is_told_with_its_line_and_costs_no_other(line: bytes, problem: str, ends: bytes) -> None:
    found = split(b'"x\ny",1' + ends + line + ends + b"c,d" + ends)
    assert found == [(0, b'"x\ny",1', ""), (2, line, problem), (3, b"c,d", "")]


@pytest.mark.parametrize("text", [b'5" disk,b', b'a,b"', b'a"b",c', b'a, b"c"'])
def test_a_quote_within_an_unquoted_field_is_itself(text: bytes) -> None:
    assert split(text + b"\nc,d\n") == [(0, text, ""), (1, b"c,d", "")]


@pytest.mark.parametrize("text", [b"a,b,", b"a,b,,", b'a,b,""', b"a,b,NA", b'"a",b,"NA",'])
def test_fields_beyond_the_last_column_may_be_null(text: bytes) -> None:
    assert split(text, CsvGrammar(2, (b"", b"NA"))) == [(0, text, "")]


def test_an_open_quote_costs_its_line_and_not_the_rest() -> None:
    found = split(b'a,"b\n' + b"c,d\n" * 3 + b'e,"f"\n')
    assert found == [(0, b'a,"b', grammars.QUOTES), *((n, b"c,d", "") for n in (1, 2, 3)), (4, b'e,"f"', "")]


def test_a_record_whose_end_may_lie_beyond_is_left() -> None:
    splitter = Splitter(io.BytesIO(b'a,b\nc,"d\ne,f\n').read, TWO, final=False)
    assert flat(splitter.runs()) == [(0, b"a,b", "")]
    assert splitter.tail == b'c,"d\ne,f\n'


def test_nothing_is_left_of_a_final_text() -> None:
    splitter = Splitter(io.BytesIO(b'a,"b\n').read, TWO)
    assert len(list(splitter.runs())) == 1
    assert splitter.tail == b""


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b""])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_the_longest_record(small_pieces: int, over: int, ends: bytes, quote: bytes) -> None:
    long = b"a," + quote + b"x" * (small_pieces - 2 - 2 * len(quote) + over) + quote
    found = split(b"c,d\n" + long + ends)
    assert found[1] == (1, long[:small_pieces], TOO_LONG if over else "")


def test_a_line_longer_than_what_is_held_in_memory_is_passed_over(small_pieces: int) -> None:
    handle = io.BytesIO(b"a,b\n" + b"x" * 100_000 + b"\nc,d\n")
    found = flat(Splitter(handle.read, TWO).runs())
    assert found == [(0, b"a,b", ""), (1, b"x" * small_pieces, TOO_LONG), (2, b"c,d", "")]


def test_an_open_quote_is_given_up_after_the_longest_record(small_pieces: int) -> None:
    lines = [b"%d,%d" % (number, number) for number in range(2_000)]
    found = split(b'a,"b\n' + b"\n".join(lines) + b'\n"q",r\n')
    assert found[0] == (0, b'a,"b', grammars.QUOTES)
    assert [raw for _, raw, _ in found[1:]] == [*lines, b'"q",r']
    assert len(b"\n".join(lines)) > small_pieces


def test_records_do_not_depend_on_how_the_text_is_read(small_pieces: int) -> None:
    rows = [b'"%d\n%d",b' % (n, n) if n % 3 else b"%d,\xc3\xa4" % n for n in range(5_000)]
    text = b"\n".join(rows)
    assert [raw for _, raw, _ in flat(kept(io.BytesIO(text).read, TWO))] == rows

    handle = io.BytesIO(text)
    assert [raw for _, raw, _ in flat(kept(lambda size: handle.read(min(size, 7)), TWO))] == rows


def test_plain_lines_come_in_runs() -> None:
    runs = list(Splitter(io.BytesIO(b"a,b\nc,d\n\ne\nf,g\nh,i\n").read, TWO).runs())
    assert runs == [
        Run(0, [b"a,b", b"c,d"], ""),
        Run(3, [b"e"], grammars.TOO_FEW),
        Run(4, [b"f,g", b"h,i"], ""),
    ]


def test_json_records_are_lines_that_are_not_blank() -> None:
    found = split(b'{"a":"x,\\"y"}\n \t\r\n\n"\n{}', JsonGrammar())
    assert found == [(0, b'{"a":"x,\\"y"}', ""), (3, b'"', ""), (4, b"{}", "")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"a":"\x01"}', grammars.CONTROL),
        (b'{"a":"\0"}', grammars.CONTROL),
        (b'{"a":"\xff"}', grammars.ENCODING),
        (b'{"a":\r1}', grammars.CARRIAGE_RETURN),
    ],
)
def test_json_lines_that_cannot_be_read(line: bytes, problem: str) -> None:
    assert split(b"{}\n" + line + b"\n{}\n", JsonGrammar())[1] == (1, line, problem)


# The splitter and DuckDB must agree on every text: what one takes for a record the other must take for the same.


def random_text(random_: random.Random, columns: int, line_end: bytes) -> bytes:
    pieces = ["a", "1", ",", ",", '"', '"', '""', " ", "NA"]

    def field() -> str:
        kind = random_.random()
        if kind < 0.35:
            return random_.choice(["a", "12", "", "NA", "x y"])
        if kind < 0.6:
            return '"' + random_.choice(["a", "", "a,b", 'a""b', "x\ny", "NA", "\r\n"]) + '"'
        return "".join(random_.choice(pieces) for _ in range(random_.randint(0, 4)))

    def line() -> bytes:
        count = columns if random_.random() < 0.8 else random_.randint(1, 4)
        more = random_.choice([" ", ",", ",,", ',""', ",NA", "\r", "\xe9"]) if random_.random() < 0.05 else ""
        return (",".join(field() for _ in range(count)) + more).encode(random_.choice(["latin-1", "utf-8"]))

    lines = [line() for _ in range(random_.randint(1, 4))]
    return line_end.join(lines) + (line_end if random_.random() < 0.7 else b"")


@pytest.mark.parametrize("seed", range(2))
def test_duckdb_and_the_splitter_agree(tmp_path: Path, seed: int) -> None:
    from glue_python_job.contract import Contract
    from glue_python_job.layout import CSV, Layout

    random_, path = random.Random(seed), tmp_path / "text"
    agreed = 0
    with duckdb.connect() as connection:

        def parsed(text: bytes, columns: int, newline: str, nulls: tuple[str, ...]) -> int | None:
            path.write_bytes(text)
            layout = Layout(CSV, columns=tuple(f"c{n}" for n in range(columns)), newline=newline)
            scan = layout.scan([path], Contract("1", (), null_values=nulls))
            try:
                return len(connection.execute(f"FROM {scan}").fetchall())
            except duckdb.InvalidInputException:
                return None

        for _ in range(400):
            columns, nulls = random_.choice([2, 3]), random_.choice([("", "NA"), ("NA",), ("",)])
            line_end, newline = random_.choice([(b"\n", "\\n"), (b"\r\n", "\\r\\n")])
            text = random_text(random_, columns, line_end)
            found = split(text, CsvGrammar(columns, tuple(null.encode() for null in nulls)))
            good = [raw for _, raw, problem in found if not problem]
            rows = parsed(text, columns, newline, nulls)
            if text.endswith(b"\r"):
                pass  # DuckDB may pass over a last line that ends so; the count of the records shows it
            elif rows is not None and text:
                assert (len(good), len(found)) == (rows, rows), text
                agreed += 1
            elif b"\r" not in text:
                assert len(good) < len(found) or not text, text
            if good:
                assert parsed(b"".join(raw + b"\n" for raw in good), columns, "\\n", nulls) == len(good), text
    assert agreed > 50
