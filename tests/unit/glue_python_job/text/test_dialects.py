"""Files in every dialect, written by other libraries: the values that went in come out, or their row is refused."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from dataset_contract.model import SOURCE, Column, CsvDialect, DataObject
from dataset_contract.types import parse
from glue_python_job import database
from glue_python_job.cleaning.cleaner import clean
from glue_python_job.cleaning.outcome import Outcome
from glue_python_job.logs import Log
from glue_python_job.storage import LocalStorage
from glue_python_job.text import observing

Row = Sequence[Any]

HOSTILE = [
    "x",
    "",
    " ",
    " lead",
    "trail ",
    'q"q',
    '"quoted"',
    '"',
    '""',
    ",",
    "a,b,,",
    ";|\t",
    "||",
    "a||b",
    "l\nm",
    "c\r\nd",
    "\n",
    "\r",
    "\\",
    'b\\"',
    "\\\\",
    "\\N",
    "NA",
    "#no comment",
    "é€ü",
    "𝄞",
    "\x1e\x1d\x1f\x02",
    "'",
    "1e5",
    "null",
    "\ufeffbom",
    "x" * 300,
]


def columns(count: int) -> tuple[Column, ...]:
    type_ = parse("VARCHAR(MAX)")
    return tuple(Column(f"c{index}", type_, f"c{index}", null_values=()) for index in range(count))


class Cleaning:
    """Cleans files below a directory of the test's own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "source"
        self._scratch = directory / "scratch"
        self.directory.mkdir()
        self._scratch.mkdir()

    def write(self, name: str, content: bytes) -> None:
        (self.directory / name).write_bytes(content)

    def run(self, source: DataObject) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], Outcome]:
        """The staged rows, the refused ones (line, column, reason, text), and what else came out."""
        storage, log = LocalStorage(), Log("j", io.StringIO())
        with database.connect(512_000_000, self._scratch) as connection:
            outcome = clean(connection, source, storage.list_files(str(self.directory)), storage, self._scratch, log)
            staged = [row for part in outcome.staged for row in _rows(connection, part.path, "*")]
            told = "line_number, column_name, reason, raw_row"
            refused = [row for part in outcome.rejected for row in _rows(connection, part.path, told)]
        return staged, refused, outcome


def _rows(connection: duckdb.DuckDBPyConnection, path: Path, what: str) -> list[tuple[Any, ...]]:
    return connection.execute(f"SELECT {what} FROM read_parquet(['{path}'])").fetchall()


@pytest.fixture
def cleaning(tmp_path: Path) -> Cleaning:
    return Cleaning(tmp_path)


def random_rows(random_: random.Random, count: int, width: int, hostile: float, encoding: str) -> list[list[str]]:
    texts = [text for text in HOSTILE if _fits(text, encoding)]
    return [
        [random_.choice(texts) if random_.random() < hostile else str(random_.randrange(10**6)) for _ in range(width)]
        for _ in range(count)
    ]


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def written(rows: Sequence[Row], dialect: CsvDialect, quoting: Any, line_end: str) -> str:
    """The text of rows, by Python's csv, with the delimiter and what else it does not know put in afterwards."""
    single = len(dialect.delimiter) == 1
    out = io.StringIO()
    options: dict[str, Any] = {"quotechar": dialect.quote, "doublequote": dialect.escape == dialect.quote}
    if dialect.escape != dialect.quote:
        options["escapechar"] = dialect.escape
    writer = csv.writer(
        out, delimiter=dialect.delimiter if single else "\x0b", quoting=quoting, lineterminator=line_end, **options
    )
    writer.writerows([[*row, "\x0c"] for row in rows] if dialect.trailing_delimiter else rows)
    text = out.getvalue() if single else out.getvalue().replace("\x0b", dialect.delimiter)
    quoted = f"{dialect.quote}\x0c{dialect.quote}"
    return text.replace(quoted, "").replace("\x0c", "") if dialect.trailing_delimiter else text


# Until Python 3.10, its csv writes an escape as it is, so that nobody can read it.
ESCAPES_ITSELF = written([["\\"]], CsvDialect(escape="\\"), csv.QUOTE_ALL, "") == '"\\\\"'


def random_dialect(random_: random.Random) -> tuple[CsvDialect, int]:
    choose = random_.choice
    delimiter = choose([",", ",", "|", ";", "\t", "||", "~", "::", "é", " "])
    quote = choose(['"', '"', "'"])
    escape = choose([quote, quote, "\\"])
    # Beside an escape, Python's csv escapes outside quotes, too, which no quoting avoids.
    quoting = csv.QUOTE_ALL if escape != quote or len(delimiter) > 1 else choose([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    encoding = choose(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"])
    if not _fits(delimiter, encoding):
        encoding = "utf-8"
    dialect = CsvDialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        header=choose([True, True, False]),
        encoding=encoding,
        comment=choose(["", "", "#"]),
        skip_lines=choose([0, 0, 2]),
        trailing_delimiter=random_.random() < 0.2,
    )
    return dialect, quoting


def decorated(random_: random.Random, text: str, header: str, dialect: CsvDialect, line_end: str) -> str:
    """The text of a file: what is skipped, the header, the records, comments after complete records."""
    before = "".join(f'title "{number}{line_end}' for number in range(dialect.skip_lines))
    comment = f'#"a comment{line_end}' if dialect.comment and random_.random() < 0.7 else ""
    return before + comment + (header if dialect.header else "") + comment + text + comment


COMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}


@pytest.mark.parametrize("seed", range(40))
def test_csv_of_every_dialect_comes_out_as_it_went_in(cleaning: Cleaning, small_pieces: int, seed: int) -> None:
    random_ = random.Random(seed)
    dialect, quoting = random_dialect(random_)
    width = random_.choice([1, 2, 3, 8])
    source = DataObject("items", SOURCE, columns(width), csv=dialect)
    expected: list[tuple[str, ...]] = []
    for number in range(random_.choice([1, 3])):
        order = list(range(width))
        if dialect.header:
            random_.shuffle(order)
        hostile = random_.choice([0, 0.02, 0.6])
        rows = random_rows(random_, random_.choice([0, 1, 50, 1_500]), width, hostile, dialect.encoding)
        if dialect.escape == "\\" and not ESCAPES_ITSELF:
            rows = [row for row in rows if "\\" not in "".join(row)]
        if quoting != csv.QUOTE_ALL:
            # Python's csv leaves these without quotes.
            rows = [row for row in rows if "\r" not in row and not (dialect.comment and row[order[0]].startswith("#"))]
        line_end = random_.choice(["\n", "\n", "\r\n"])
        text = written([[row[index] for index in order] for row in rows], dialect, quoting, line_end)
        header = written([[f"c{index}" for index in order]], dialect, quoting, line_end)
        suffix = random_.choice(list(COMPRESS))
        content = decorated(random_, text, header, dialect, line_end).encode(dialect.encoding)
        cleaning.write(f"{number}.csv{suffix}", COMPRESS[suffix](content))
        expected += [tuple(row) for row in rows]
    staged, refused, outcome = cleaning.run(source)
    assert refused == []
    assert staged == expected, (seed, dialect)
    assert outcome.counts.rows_in == len(expected)


def json_value(random_: random.Random) -> tuple[str, str | None]:
    """A value as JSON writes it, and the text that it is."""
    kind = random_.randrange(6)
    if kind == 0:
        return "null", None
    if kind == 1:
        flag = random_.choice(["true", "false"])
        return flag, flag
    if kind == 2:
        number = random_.choice(["1.10", "99999999999999.99", "9007199254740993.0", "1e5", "-0.0", "1E+400"])
        return number, number
    text = random_.choice([*HOSTILE, "\x00x"[1:], "\u2028"])
    return json.dumps(text, ensure_ascii=random_.random() < 0.5), text


@pytest.mark.parametrize("seed", range(20))
def test_json_comes_out_as_it_went_in(cleaning: Cleaning, small_pieces: int, seed: int) -> None:
    random_ = random.Random(seed)
    width = random_.choice([1, 2, 5])
    names = ["c0", "c1", "$.deep.c2", "$.deep.er.c3", "c4"][:width]
    type_ = parse("VARCHAR(MAX)")
    source = DataObject("items", SOURCE, tuple(Column(f"c{i}", type_, name) for i, name in enumerate(names)))
    expected, elements = [], []
    for _ in range(random_.choice([0, 1, 700])):
        values = [json_value(random_) for _ in range(width)]
        parts: dict[str, str] = {}
        for name, (written_, _) in zip(names, values):
            parts[name] = written_
        shallow = [f'"{name}": {text}' for name, text in parts.items() if not name.startswith("$")]
        if width > 2:
            er = f', "er": {{"c3": {parts["$.deep.er.c3"]}}}' if width > 3 else ""
            shallow.append(f'"deep": {{"c2": {parts["$.deep.c2"]}{er}}}')
        random_.shuffle(shallow)
        glue = random_.choice([", ", ",\n"]) if seed % 2 else ", "
        elements.append("{" + glue.join([*shallow, '"more": [1, {"c0": 2}]']) + "}")
        expected.append(tuple(text for _, text in values))
    suffix = random_.choice(list(COMPRESS))
    if seed % 2:
        content = "\n[\n" + random_.choice([",", ",\n", "\n,\n"]).join(elements) + "]\n"
    else:
        content = "".join(element + random_.choice(["\n", "\r\n", "\n\n"]) for element in elements)
    cleaning.write(f"x.json{suffix}", COMPRESS[suffix](content.encode()))
    staged, refused, _ = cleaning.run(source)
    assert refused == []
    assert staged == expected, seed


def doubtful_text(random_: random.Random, delimiter: str) -> str:
    """Records of which some have stray quotes, blank lines, and fields too many or too few, often empty ones."""
    fields = ["a", "b", "", "", '"x"', f'"x{delimiter}y"', '"x\ny"', '"x""y"', '""', 'a"', '"', 'a""b', "NA", "1"]
    ends, counts = ["\n"] * 8 + ["\n\n", "\n\n\n"], [1, 2, 4, 5, 6]
    odd = random_.choice([0, 0.05, 0.5])
    kind = random_.random()
    if kind < 0.5:
        # DuckDB passes over what is too much, an empty field, also among quoted ones.
        counts, fields = [4], ["a", "b", "", "1", f'"x{delimiter}y"'][: 4 if kind < 0.3 else 5]
        ends = ["\n"]
    lines = []
    for _ in range(random_.choice([2, 5, 40])):
        count = random_.choice(counts) if random_.random() < odd else 3
        texts = fields if random_.random() < odd else fields[:9]
        line = [random_.choice(texts) for _ in range(count)]
        if counts == [4] == [count]:
            line[-1] = ""
        lines.append(delimiter.join(line) + random_.choice(ends))
    return "".join(lines)


def test_what_duckdb_reads_is_what_exact_splitting_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random_, both = random.Random(7), 0
    describe = observing.Observed.describe
    for number in range(40):
        delimiter = random_.choice([",", "|"])
        trailing = random_.random() < 0.2
        source = DataObject("items", SOURCE, columns(3), csv=CsvDialect(delimiter, trailing_delimiter=trailing))
        text = doubtful_text(random_, delimiter)
        text = text.replace("\n", delimiter + "\n") if trailing else text
        header = delimiter.join(["c0", "c1", "c2"]) + delimiter * trailing
        found = []
        for exact in (False, True):
            directory = tmp_path / f"{number}-{exact}"
            directory.mkdir()
            cleaning = Cleaning(directory)
            cleaning.write("x.csv", f"{header}\n{text}".encode())
            with monkeypatch.context() as patched:
                if exact:
                    patched.setattr(observing.Observed, "describe", lambda *given: _suspect(describe, *given))
                staged, refused, outcome = cleaning.run(source)
            found.append((staged, refused, [(file.rows, file.empty_lines) for file in outcome.sources]))
        assert found[0] == found[1], text
        both += bool(staged) and not refused
    assert both > 5


def _suspect(describe: Any, observed: Any, segment: Any) -> None:
    describe(observed, segment)
    segment.suspect = True


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "cp1252"])
@pytest.mark.parametrize("dialect", [{}, {"delimiter": "||"}, {"comment": "#", "skip_lines": 1}])
def test_refused_rows_have_the_line_and_text_of_their_file(
    cleaning: Cleaning, encoding: str, dialect: dict[str, Any]
) -> None:
    source = DataObject("items", SOURCE, columns(2), csv=CsvDialect(encoding=encoding, **dialect))
    lines = ["c0,c1", '"\u00e9",1', "", '"x\ny",2', "\u00fc,3,", '4,"5', "6"]
    if dialect.get("skip_lines"):
        lines = ["a title, of two,fields", "#c0,c1", lines[0], "#a,comment,of three", *lines[1:]]
    text = "\r\n".join(lines).replace(",", dialect.get("delimiter", ","))
    cleaning.write("x.csv", text.encode(encoding))
    staged, refused, outcome = cleaning.run(source)
    assert staged == [("\u00e9", "1"), ("x\ny", "2")]
    first = 6 + (3 if "skip_lines" in dialect else 0)
    sign = dialect.get("delimiter", ",")
    assert refused == [
        (first, None, "too many fields", f"\u00fc{sign}3{sign}"),
        (first + 1, None, "unterminated or misplaced quote", f'4{sign}"5'),
        (first + 2, None, "too few fields", "6"),
    ]
    assert [file.empty_lines for file in outcome.sources] == [1]


@pytest.mark.parametrize(("encoding", "bad"), [("utf-8", b"\xff"), ("cp1252", b"\x81"), ("utf-16-le", b"\x00\xdc")])
def test_what_cannot_be_decoded_refuses_its_row(cleaning: Cleaning, encoding: str, bad: bytes) -> None:
    source = DataObject("items", SOURCE, columns(2), csv=CsvDialect(encoding=encoding))
    before, after = (text.encode(encoding) for text in ("c0,c1\n\u00e9,1\n2,", "\n3,4\n"))
    cleaning.write("x.csv", before + bad + after)
    staged, refused, _ = cleaning.run(source)
    assert staged == [("\u00e9", "1"), ("3", "4")]
    text = "2," + "".join(f"\\x{byte:02x}" for byte in bad)
    assert refused == [(3, None, "invalid UTF-8" if encoding == "utf-8" else f"invalid {encoding}", text)]


@pytest.mark.parametrize("seed", range(5))
def test_parquet_comes_out_as_it_went_in(cleaning: Cleaning, seed: int) -> None:
    random_ = random.Random(seed)
    expected: list[tuple[str | None, ...]] = []
    for number in range(3):
        order = ["c0", "C1", "c2"]
        random_.shuffle(order)
        rows = [[random_.choice([*HOSTILE, None]) for _ in order] for _ in range(random_.choice([0, 1, 400]))]
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({', '.join(f'{name} VARCHAR' for name in order)})")
            if rows:
                connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
            connection.execute(f"COPY t TO '{cleaning.directory}/{number}.parquet' (FORMAT parquet)")
        expected += [tuple(row[order.index(name)] for name in ("c0", "C1", "c2")) for row in rows]
    staged, refused, _ = cleaning.run(DataObject("items", SOURCE, columns(3)))
    assert refused == []
    assert staged == expected


@pytest.mark.parametrize("seed", range(3))
def test_what_pandas_writes_comes_out_as_it_went_in(cleaning: Cleaning, seed: int) -> None:
    pandas = pytest.importorskip("pandas", reason="it is not in the environment of Python 3.9")
    random_ = random.Random(seed)
    dialect = CsvDialect(delimiter=random_.choice([";", "\t", "|"]), encoding=random_.choice(["utf-8", "utf-16-le"]))
    texts = [text for text in HOSTILE if text != "\r"]  # pandas leaves it without quotes
    expected: list[tuple[str, ...]] = []
    for name in ("a.csv", "b.csv.bz2", "c.csv.zst", "d.json", "e.jsonl.gz"):
        rows = [[random_.choice(texts) for _ in range(3)] for _ in range(300)]
        frame, path = pandas.DataFrame(rows, columns=["c0", "c1", "c2"]), cleaning.directory / name
        if ".csv" in name:
            frame.to_csv(path, sep=dialect.delimiter, encoding=dialect.encoding, index=False, lineterminator="\n")
        else:
            frame.to_json(path, orient="records", lines="jsonl" in name)
        expected += [tuple(row) for row in rows]
    staged, refused, _ = cleaning.run(DataObject("items", SOURCE, columns(3), csv=dialect))
    assert refused == []
    assert staged == expected
