"""Hostile text files: each line is staged as it was written, or told; or the job fails and names the file."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from glue_python_job.text import records
from tests.unit.glue_python_job.conftest import Job, Result, document
from tests.unit.hostile.accounts import Walk, adds_up
from tests.unit.hostile.conftest import examples

NAMES = ["a", "b", "c"]
ANY_SHARE = {"rejectedRows": {"mustBeLessOrEqualTo": 100, "unit": "percent"}}
WIDEST = 65_535  # bytes of Redshift's VARCHAR
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}
PIECES = [
    '"',
    '""',
    ",",
    ";",
    "\n",
    "\r",
    "\r\n",
    " ",
    "\ufeff",
    "\\",
    "'",
    "\x00",
    "\x1e",
    "\x1d",
    "é",
    "\x85",
    "\u2028",
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
)
LONG = st.integers(0, 3).map(lambda more: "é" * 32_767 + "x" * more)
ROWS = st.lists(st.lists(st.one_of(TEXTS, TEXTS, TEXTS, LONG), min_size=3, max_size=3), max_size=8)
BAD = [
    *(b'"', b'a,"b,c\n', b'"a"b,c,d\n', b"\xff\xfe,,\n", b"\x00,,\n", b"\r", b"\r\n", b"\n", b"a\rb,,\n", b"\xc3"),
    *(b",,,\n", b",\n", b'"\n"\n"\n', b'","",', b'\\",', b'""",""', b' "a",,\n', b'"a" ,,\n', b"\xef\xbb\xbf"),
    *(b"  ", b"\xed\xa0\x80"),
]  # fmt: skip


def contract(**csv_dialect: Any) -> str:
    """Of three columns that take any text."""
    custom = {**ANY_SHARE, **({"csv": csv_dialect} if csv_dialect else {})}
    return document([{"name": name, "physicalType": f"VARCHAR({WIDEST})"} for name in NAMES], [], custom=custom)


def run(job: Job, files: dict[str, bytes], made: str) -> Result:
    job.write({}, made)
    for name, data in files.items():
        (job.root / "source" / name).write_bytes(data)
    return job.run()


def written(rows: list[list[str]], **form: Any) -> list[bytes]:
    """The header and the rows as Python writes them, each with its line end."""
    found = []
    for row in [NAMES, *rows]:
        out = io.StringIO(newline="")
        csv.writer(out, **form).writerow(row)
        found.append(out.getvalue().encode())
    return found


@st.composite
def damaged(draw: st.DrawFn, lines: list[bytes], first: int = 0) -> bytes:
    """The lines with bad ones between them, and with a few bytes exchanged."""
    for _ in range(draw(st.integers(0, 4))):
        lines.insert(draw(st.integers(min(first, len(lines)), len(lines))), draw(st.sampled_from(BAD)))
    text = b"".join(lines)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(min(12, len(text)) if draw(st.booleans()) else 0, len(text)))
        piece = draw(st.one_of(st.binary(max_size=3), st.sampled_from(BAD)))
        text = text[:place] + piece + text[place + draw(st.integers(0, 3)) :]
    return text


@st.composite
def csv_texts(draw: st.DrawFn) -> bytes:
    form = {"lineterminator": draw(st.sampled_from(["\n", "\r\n"])), "quoting": draw(st.sampled_from([0, 1]))}
    return draw(damaged(written(draw(ROWS), **form), draw(st.integers(0, 1))))


@examples(40)
@given(sources=st.lists(st.tuples(csv_texts(), st.sampled_from(list(COMPRESSED))), min_size=1, max_size=3))
def test_a_csv_file_loses_no_line(new_job: Callable[[], Job], sources: list[tuple[bytes, str]]) -> None:
    texts = {f"{index}.csv{ending}": text for index, (text, ending) in enumerate(sources)}
    files = {f"{index}.csv{ending}": COMPRESSED[ending](text) for index, (text, ending) in enumerate(sources)}
    job = new_job()
    result = run(job, files, contract())
    if adds_up(job, result):
        walk = Walk(result)
        for name, text in texts.items():
            walk.csv_file(name, text)
        walk.end()
    else:
        assert any(name in result.error for name in files) or "the source has no row" in result.error


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252", "cp437", "iso-8859-15"]


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    made = {
        "delimiter": draw(st.sampled_from([",", ";", "|", "\t", "§", "||", "x"])),
        "quote": draw(st.sampled_from(['"', "'"])),
    }
    made["encoding"] = draw(st.sampled_from(ENCODINGS))
    return made


@examples(25)
@given(dialect=dialects(), rows=ROWS, data=st.data())
def test_a_value_is_staged_as_it_is_written_in_any_dialect(
    new_job: Callable[[], Job], dialect: dict[str, Any], rows: list[list[str]], data: st.DataObject
) -> None:
    delimiter, encoding = dialect["delimiter"], dialect["encoding"]
    quote = dialect["quote"]
    kept = [[value.encode(encoding, "ignore").decode(encoding).lstrip("\ufeff") for value in row] for row in rows]
    fields = [[quote + value.replace(quote, quote * 2) + quote for value in row] for row in [NAMES, *kept]]
    text = "".join(delimiter.join(row) + "\n" for row in fields)
    if "§" in delimiter and encoding == "cp437":
        encoding = dialect["encoding"] = "utf-8"
    job = new_job()
    result = run(job, {"x.csv": text.encode(encoding)}, contract(**dialect))
    good = [row for row in kept if not any("\0" in value or len(value.encode()) > WIDEST for value in row)]
    if adds_up(job, result):
        assert [list(row) for row in result.staged] == good
        assert len(result.rejected) == len(kept) - len(good)
    else:
        assert not kept
        assert "the source has no row" in result.error


@examples(30)
@given(ending=st.sampled_from([".gz", ".bz2", ".zst"]), data=st.data())
def test_a_damaged_compressed_file_fails_by_name_or_gives_the_same_rows(
    new_job: Callable[[], Job], ending: str, data: st.DataObject
) -> None:
    rows = [[str(number), "x" * number, "é"] for number in range(50)]
    compress = COMPRESSED[ending]
    whole = compress(b"".join(written(rows[:25], lineterminator="\n")))
    if data.draw(st.booleans(), label="a second stream"):
        whole += compress(b"".join(written(rows[25:], lineterminator="\n")[1:]))
    deed = data.draw(st.sampled_from(["cut", "change", "add", "insert"]))
    place = data.draw(st.integers(1, len(whole) - 1))
    change = data.draw(st.binary(min_size=1, max_size=4))
    bad = {
        "cut": whole[:place],
        "change": whole[:place] + change + whole[place + len(change) :],
        "add": whole + change,
        "insert": whole[:place] + change + whole[place:],
    }[deed]
    job = new_job()
    result = run(job, {f"x.csv{ending}": bad}, contract())
    if adds_up(job, result):
        assert [list(row) for row in result.staged] in (rows[:25], rows)
    else:
        assert f"x.csv{ending}" in result.error


NUMBERS = ["0", "-0", "1e999", "1E-400", "NaN", "-Infinity", "9" * 400, "1.10", "01", "1.", "9" * 5000, "-1e5"]
WORDS = st.sampled_from(
    ['"a"', "null", "true", "{}", "[]", '"\\ud800"', '"\\u0000"', '"\\ud83d\\ude00"', '"\x85"', *NUMBERS]
)
KEYS = st.sampled_from(['"a"', '"b"', '"c"', '"A"', '"d"', '"\\u0061"'])


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    lines = []
    for _ in range(draw(st.integers(0, 8))):
        pairs = draw(st.lists(st.tuples(KEYS, st.one_of(WORDS, TEXTS.map(json.dumps))), max_size=4))
        lines.append(("{" + ",".join(f"{key}: {value}" for key, value in pairs) + "}\n").encode())
        if draw(st.integers(0, 15)) == 0:
            depth = draw(st.sampled_from([10, 900, 1100, 100_000]))
            lines.append(b'{"a": "1", "d": ' + b"[" * depth + b"]" * draw(st.sampled_from([0, depth])) + b"}\n")
    return draw(damaged(lines))


def is_utf_8(text: bytes) -> bool:
    """Whether its first bytes are not those of UTF-16, as which JSON is read then."""
    return not text.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE))


@examples(30)
@given(sources=st.lists(json_texts().filter(is_utf_8), min_size=1, max_size=2))
def test_a_file_of_json_lines_loses_no_line(new_job: Callable[[], Job], sources: list[bytes]) -> None:
    files = {f"{index}.jsonl": text for index, text in enumerate(sources)}
    job = new_job()
    result = run(job, files, contract())
    if adds_up(job, result):
        walk = Walk(result)
        for name, text in files.items():
            walk.json_file(name, text, NAMES)
        walk.end()
    else:
        assert any(name in result.error for name in files) or "the source has no row" in result.error


@examples(20)
@given(
    values=st.lists(
        st.lists(st.one_of(TEXTS, st.none(), st.booleans()), min_size=3, max_size=3), min_size=1, max_size=8
    ),
    data=st.data(),
)
def test_a_json_array_gives_each_element_or_fails_by_name(
    new_job: Callable[[], Job], values: list[list[Any]], data: st.DataObject
) -> None:
    rows = [dict(zip(NAMES, row, strict=True)) for row in values]
    text = json.dumps(
        rows, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=data.draw(st.booleans())
    ).encode()
    spoilt = data.draw(st.booleans())
    if spoilt:
        place, change = data.draw(st.integers(1, len(text) - 1)), data.draw(st.binary(max_size=2))
        text = text[:place] + change + text[place + data.draw(st.integers(0, 2)) :]
    job = new_job()
    result = run(job, {"x.json": text}, contract())
    if not adds_up(job, result):
        assert "x.json" in result.error or "the source has no row" in result.error
    elif not spoilt:
        told = {True: "true", False: "false"}
        expected = [[told[value] if isinstance(value, bool) else value for value in row] for row in values]
        nul = [row for row in expected if any("\0" in str(value) for value in row)]
        assert [list(row) for row in result.staged] == [row for row in expected if row not in nul]
        assert len(result.rejected) == len(nul)


def test_three_thousand_tiny_files_add_up(new_job: Callable[[], Job]) -> None:
    files = {f"{number % 7}/{number}.csv": f"a,b,c\n{number},x,\n{number}\n".encode() for number in range(2_000)}
    files |= {f"{number % 7}/{number}.csv": b"a,b,c\n" * (number % 2) for number in range(2_000, 3_000)}
    for folder in range(7):
        files[f"{folder}/{folder}.csv"] = b"c,b,a\n,x,%d\n%d\n" % (folder, folder)
    job = new_job()
    job.write(files, contract())
    result = job.run()
    assert adds_up(job, result)
    assert sorted(int(row[0]) for row in result.staged) == list(range(2_000))
    assert sorted(int(row[5]) for row in result.rejected) == list(range(2_000))
    assert {row[1:] for row in result.staged} == {("x", "")}
    noted = [file.get("note", "") for file in result.manifest["files_in"]]
    assert {note: noted.count(note) for note in set(noted)} == {"": 2_000, "no bytes": 500, "header only": 500}


@pytest.mark.parametrize("ending", list(COMPRESSED))
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_a_line_of_many_megabytes_is_refused_alone(new_job: Callable[[], Job], ending: str, quote: bytes) -> None:
    text = b"a,b,c\n1,,\n" + quote + b"x" * 9_000_000 + quote + b",,\n2,,\n"
    job = new_job()
    result = run(job, {f"x.csv{ending}": COMPRESSED[ending](text)}, contract())
    assert adds_up(job, result)
    assert [row[0] for row in result.staged] == ["1", "2"]
    ((line, column, reason),) = result.refused
    assert (line, column, reason) == (3, None, records.TOO_LONG)
