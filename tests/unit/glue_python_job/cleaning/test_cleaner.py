"""The job over whole sources: formats, layouts, and every row that is refused as such."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from glue_python_job import sizes
from glue_python_job.cleaning import batches
from glue_python_job.text.grammar import QUOTES
from glue_python_job.text.records import TOO_LONG

NUMBERED: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "name", "logicalType": "string", "physicalType": "VARCHAR(20)"},
]


@pytest.fixture
def contract(contract_of: Callable[..., str]) -> str:
    return contract_of(NUMBERED)


def messages(result: Any) -> list[str]:
    return [line["message"] for line in result.logs]


def parquet(path: Path, select: str, options: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"COPY ({select}) TO '{path}' (FORMAT parquet{options})")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", b"id,name\n1,one\n2,two\n"),
        ("x.CSV", b"id,name\n1,one\n2,two\n"),
        ("x.csv.gz", b"id,name\n1,one\n2,two\n"),
        ("x.csv", b"id,name\r\n1,one\r\n2,two\r\n"),
        ("x.csv", b"id,name\n1,one\n2,two"),
        ("x.csv", b"id,name\n1,one\n\n2,two\n\n\n"),
        ("x.csv", b"\xef\xbb\xbfid,name\n1,one\n2,two\n"),
        ("x.csv", b'"id","name"\n"1","one"\n"2","two"\n'),
        ("x.csv", b'id,"na\nme",name\n1,,one\n2,,two\n'),
        ("x.json", b'{"id":1,"name":"one"}\n{"name":"two","id":2}\n'),
        ("x.jsonl", b'\xef\xbb\xbf{"id":1,"name":"one"}\r\n\r\n{"id":"2","name":"two"}'),
        ("x.ndjson.gz", b'{"id":1,"name":"one"}\n {"id":2,"name":"two"}\n \n'),
    ],
)
def test_formats_of_text(job: Any, contract: str, name: str, content: bytes) -> None:
    result = job.clean({name: content}, contract)
    assert result.staged == [(1, "one"), (2, "two")]
    assert not result.rejected
    assert "splitting record by record" not in messages(result)


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize(
    ("line", "refused"),
    [
        (b'1,"a" "b"', True),
        (b'1,"c"   "d"" e"', True),
        (b'1,"c" ', True),
        (b'"1" ,c', True),
        (b'1, "c"', True),
        (b'1, "a,b"', True),
        (b'1,"x ""a"" , ""b"" x"', False),
        (b'1,a "b" c', False),
    ],
)
def test_a_misplaced_quote_is_not_repaired(job: Any, contract: str, name: str, line: bytes, refused: bool) -> None:
    result = job.clean({name: b"id,name\n" + line + b"\n2,two\n"}, contract)
    assert result.refused == ([(2, None, QUOTES)] if refused else [])
    assert result.staged[-1] == (2, "two")
    assert len(result.staged) == 1 + (not refused)
    assert ("splitting record by record" in messages(result)) is refused


@pytest.mark.parametrize("line", [b'"a" "b"', b'"c" ', b' "a"'])
def test_a_misplaced_quote_is_refused_in_a_file_of_one_column_too(
    job: Any, contract_of: Callable[..., str], line: bytes
) -> None:
    result = job.clean({"x.csv": b"note\n" + line + b"\nx\n"}, contract_of([{"name": "note"}]))
    assert (result.staged, result.refused) == ([("x",)], [(2, None, QUOTES)])


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize("head", [b"note,id\n", b"\xef\xbb\xbfnote,id\n"])
@pytest.mark.parametrize("more", [b"", b"refused\n"])
def test_a_mark_that_is_of_a_value_is_kept(
    job: Any, contract_of: Callable[..., str], name: str, head: bytes, more: bytes
) -> None:
    contract = contract_of([{"name": "note"}, {"name": "id", "logicalType": "integer"}])
    result = job.clean({name: head + more + b"\xef\xbb\xbfa,1\n"}, contract)
    assert result.staged == [("\ufeffa", 1)]


@pytest.mark.parametrize(("marks", "value"), [(0, "a"), (1, "a"), (2, "\ufeffa")])
def test_one_mark_is_of_the_file(job: Any, contract_of: Callable[..., str], marks: int, value: str) -> None:
    contract = contract_of([{"name": "note"}, {"name": "id"}], custom={"csv": {"header": False}})
    assert job.clean({"x.csv": b"\xef\xbb\xbf" * marks + b"a,1\n"}, contract).staged == [(value, "1")]


@pytest.mark.parametrize("array", [False, True])
def test_a_key_that_is_in_no_row_is_noted(job: Any, contract: str, array: bool) -> None:
    files = {
        "a.json": b'{"id":1,"nam":"x"}\n{"id":2}\n',
        "b.json": b'{"id":3}\n{"id":4,"name":null}\n',
        "c.json": b"",
    }
    if array:
        files = {name: b"[" + text.strip().replace(b"\n", b",") + b"]" for name, text in files.items()}
    result = job.clean(files, contract)
    note = 'key "name" in no row'
    assert [entry.get("note") for entry in result.manifest["files_in"]] == [
        note,
        None,
        "no rows" if array else "no bytes",
    ]
    assert [line["note"] for line in result.logs if note in line.get("note", "")] == [note]


def test_lines_after_an_element_that_is_too_long(job: Any, contract: str, small_pieces: int) -> None:
    element = b'{"id":1,' + b"\n" * (2 * small_pieces) + b'"name":"x"}'
    result = job.clean({"x.json": b"[" + element + b',\n{"id":"x"},{"id":2}]'}, contract)
    assert result.refused == [(1, None, TOO_LONG), (2 * small_pieces + 2, "id", "not a BIGINT")]
    assert result.staged == [(2, None)]


def test_parquet(job: Any, contract: str) -> None:
    parquet(
        job.root / "source" / "x.parquet",
        "SELECT 'a' AS more, name, id FROM (VALUES (1, 'one'), (2, 'two')) t(id, name)",
    )
    result = job.clean({}, contract)
    assert result.staged == [(1, "one"), (2, "two")]
    assert [line["columns"] for line in result.logs if "ignored" in line["message"]] == [["more"]]


def test_a_single_file_is_a_source(job: Any, contract: str) -> None:
    result = job.clean(
        {"x.csv": b"id,name\n1,one\n", "y.csv": b"id,name\n2,two\n"}, contract, source_uri=f"{job.root}/source/x.csv"
    )
    assert result.staged == [(1, "one")]


def test_files_of_all_formats_and_layouts_in_the_order_of_their_names(job: Any, contract: str) -> None:
    parquet(job.root / "source" / "d" / "e.parquet", "SELECT 5 AS id, 'five' AS name")
    result = job.clean(
        {
            "a.csv": b"id,name\n1,one\n",
            "b.csv": b"name,id\ntwo,2\n",
            "c.json": b'{"id":3,"name":"three"}\n',
            "d/d.csv.gz": b"id,more,name\r\n4,-,four\r\n",
            "f.csv": b"id,name\n6,six\n",
            "_SUCCESS": b"",
            ".hidden.csv": b"x",
            "_temporary/x.csv": b"x",
        },
        contract,
    )
    assert result.staged == [(1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five"), (6, "six")]
    assert [Path(file["uri"]).name for file in result.manifest["files_in"]] == [
        *("a.csv", "b.csv", "c.json", "d.csv.gz", "e.parquet", "f.csv")
    ]
    assert [file["rows"] for file in result.manifest["files_in"]] == [1] * 6


def test_many_small_files_become_one(job: Any, contract: str) -> None:
    result = job.clean({f"{n:03d}.csv": b"id,name\n%d,x\n" % n for n in range(60)}, contract)
    assert [row[0] for row in result.staged] == list(range(60))
    assert len(result.manifest["files_out"]) == 1


def test_names_with_characters_that_mean_something_to_the_engine(job: Any, contract: str) -> None:
    parquet(job.root / "source" / "p[1]*.parquet", "SELECT 2 AS id, 'x' AS name")
    result = job.clean({"it's [a]?*.csv": b"id,name\n1,x\n"}, contract)
    assert result.staged == [(1, "x"), (2, "x")]


def test_a_header_alone_is_a_source_without_rows(job: Any, contract_of: Callable[..., str]) -> None:
    allowed = contract_of(NUMBERED, custom={"rejectedRows": {"mustBe": 0}})
    result = job.clean({"x.csv": b"id,name\n", "y.csv": b"id,name", "z.json": b""}, allowed)
    assert result.staged == []
    assert [file["rows"] for file in result.manifest["files_out"]] == [0]
    assert [(file["rows"], file["note"]) for file in result.manifest["files_in"]] == [
        *((0, "header only"), (0, "header only"), (0, "no bytes"))
    ]
    described = duckdb.sql(
        f"DESCRIBE FROM read_parquet('{job.root}/staged/*/*/*', hive_partitioning = false)"
    ).fetchall()
    assert [row[:2] for row in described] == [("id", "BIGINT"), ("name", "VARCHAR")]


def test_columns_beyond_the_contract_are_named_in_the_log(job: Any, contract: str) -> None:
    result = job.clean({"x.csv": b"z,id,y,name\n1,1,1,x\n", "y.json": b'{"id":1,"w":1}\n{"v":1,"id":2}'}, contract)
    ignored = {Path(line["file"]).name: line["columns"] for line in result.logs if "ignored" in line["message"]}
    assert ignored == {"x.csv": ["z", "y"], "y.json": ["w", "v"]}
    assert [row[0] for row in result.staged] == [1, 1, 2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"x.csv": b"id\n1\n"}, "contract column name is missing from the file {root}/source/x.csv; columns found: id"),
        (
            {"x.csv": b"a,b\n"},
            "contract column id (and name) is missing from the file {root}/source/x.csv; columns found: a, b",
        ),
        (
            {"x.csv": b"id,name\n1,a\n", "y.csv": b"name\n"},
            "contract column id is missing from the file {root}/source/y.csv",
        ),
        ({"x.csv.gz": b"name\n"}, "contract column id is missing from the file {root}/source/x.csv.gz"),
        (
            {"x.xml": b"<id/>\n"},
            "{root}/source/x.xml is not of a known format",
        ),
        ({"x.parquet": b"PAR1"}, "{root}/source/x.parquet is not a Parquet file"),
        ({"_x.csv": b"id,name\n"}, "no files below {root}/source/"),
        ({}, "no files below {root}/source/"),
    ],
)
def test_a_source_that_cannot_be_used(job: Any, contract: str, files: dict[str, bytes], message: str) -> None:
    assert message.format(root=job.root) in job.fail(files, contract)


def test_a_parquet_file_without_a_column(job: Any, contract: str) -> None:
    parquet(job.root / "source" / "x.parquet", "SELECT 1 AS id, 2 AS b")
    assert "contract column name is missing from the file" in job.fail({}, contract)


def test_a_parquet_file_that_is_damaged_within(job: Any, contract: str) -> None:
    path = job.root / "source" / "x.parquet"
    parquet(path, "SELECT i AS id, hash(i)::VARCHAR AS name FROM range(50000) t(i)", ", COMPRESSION zstd")
    content = bytearray(path.read_bytes())
    content[1000:200_000] = bytes(199_000)
    path.write_bytes(bytes(content))
    assert f"{path} cannot be read" in job.fail({}, contract)


@pytest.mark.parametrize(
    ("damaged", "cause"),
    [
        (lambda whole: b"\0" + whole, "TProtocolException: Invalid data"),  # one of DuckDB's errors without a class
        (lambda whole: whole[:296] + b"\0" + whole[297:], "IO Error: Could not read enough bytes"),
    ],
)
def test_a_parquet_file_whose_pages_are_not_where_they_should_be(
    job: Any, contract: str, damaged: Callable[[bytes], bytes], cause: str
) -> None:
    path = job.root / "source" / "x.parquet"
    values = "i::VARCHAR AS id, repeat('é', i::INT) AS name, NULL::VARCHAR AS more"
    parquet(path, f"SELECT {values} FROM range(300) t(i)", ", COMPRESSION zstd")
    path.write_bytes(damaged(path.read_bytes()))
    assert f"error: {path} cannot be read: {cause}" in job.fail({}, contract)


def test_a_line_that_duckdb_cannot_take_is_refused_alone(job: Any, contract: str) -> None:
    # Of more bytes than its buffers: DuckDB calls that not implemented.
    result = job.clean({"x.csv": b"id,name\n1,x\n" + b"2" * 9_000_000 + b",y\n3,z\n"}, contract)
    assert [row[0] for row in result.staged] == [1, 3]
    assert result.refused == [(3, None, TOO_LONG)]


def test_a_damaged_gzip_file(job: Any, contract: str) -> None:
    job.write({"x.csv.gz": b"id,name\n" + b"1,x\n" * 10_000}, contract)
    path = job.root / "source" / "x.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    result = job.run()
    assert result.code == 1
    assert f"{path} is not a complete gzip file" in result.error


def test_a_source_that_is_not_there(job: Any, contract: str) -> None:
    job.write({}, contract)
    result = job.run(source_uri=f"{job.root}/nowhere/")
    assert result.code == 1
    assert result.error.startswith(f"error: no files below {job.root}/nowhere/; check this URI")


BAD_LINES: Sequence[tuple[bytes, str | None, str]] = [
    (b"1", None, "too few fields"),
    (b"1,x,y", None, "too many fields"),
    (b'1,"x', None, "unterminated or misplaced quote"),
    (b'1,"x"y', None, "unterminated or misplaced quote"),
    (b"1,\xff\xfe", None, "invalid UTF-8"),
    (b"1,a\0b", None, "has a NUL character"),
    (b"1,a\rb", None, "carriage return outside quotes"),
    (b"x,y", "id", "not a BIGINT"),
    (b",y", "id", "required but empty"),
    (b'"",y', "id", "required but empty"),
    (b"1," + b"y" * 21, "name", "longer than the 20 bytes of VARCHAR(20)"),
    (b'1,"' + b"\n" * 21 + b'"', "name", "longer than the 20 bytes of VARCHAR(20)"),
]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize(("bad", "column", "reason"), BAD_LINES)
def test_a_refused_line_is_kept_with_its_line_and_text(
    job: Any, contract: str, bad: bytes, column: str | None, reason: str, ends: bytes, name: str
) -> None:
    lines = [b"id,name", b'1,"two\nlines"', b'2,"a ""quote"""', b"", bad, b"3,x", b"4,y"]
    result = job.clean({name: ends.join(lines) + ends}, contract)
    assert result.staged == [(1, "two\nlines"), (2, 'a "quote"'), (3, "x"), (4, "y")]
    raw = bad.decode("utf-8", "backslashreplace")
    assert result.rejected == [("job-1", f"{job.root}/source/{name}", 6, column, reason, raw)]
    assert result.manifest["rejected_reasons"] == {f"{column or '(row)'}: {reason}": 1}


def test_each_bad_line_of_a_file_is_refused_by_itself(job: Any, contract: str) -> None:
    lines, expected, number = [b"id,name"], [], 2
    for bad, column, reason in BAD_LINES:
        lines += [b'7,"good\nrow"', bad]
        expected.append((number + 2, column, reason))
        number += 3 + bad.count(b"\n")
    result = job.clean({"x.csv": b"\n".join([*lines, b"8,end"])}, contract)
    assert result.refused == expected
    assert result.staged == [(7, "good\nrow")] * len(BAD_LINES) + [(8, "end")]


@pytest.mark.parametrize(
    ("bad", "column", "reason"),
    [
        (b"{bad", None, "not valid JSON"),
        (b'{"id":1} {"id":2}', None, "not valid JSON"),
        (b'"text"', None, "not a JSON object"),
        (b"[1]", None, "not a JSON object"),
        (b" [1]", None, "not a JSON object"),
        (b"7", None, "not a JSON object"),
        (b'{"id":1,"name":"\xff"}', None, "invalid UTF-8"),
        (b'{"id":1,"name":"\x01"}', None, "not valid JSON"),
        (b'{"id":"x"}', "id", "not a BIGINT"),
        (b'{"name":"x"}', "id", "required but empty"),
        (b'{"id":1,"name":{}}', "name", "not a VARCHAR(20)"),
        (
            b'{"id":1,"name":"\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9\\u00e9x"}',
            "name",
            "longer than the 20 bytes of VARCHAR(20)",
        ),
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl.gz"])
def test_a_refused_json_line(job: Any, contract: str, bad: bytes, column: str | None, reason: str, name: str) -> None:
    result = job.clean({name: b'{"id":1}\n\n  \n' + bad + b'\n{"id":2,"name":"\\n"}\n'}, contract)
    assert result.staged == [(1, None), (2, "\n")]
    raw = bad.decode("utf-8", "backslashreplace")
    assert result.rejected == [("job-1", f"{job.root}/source/{name}", 4, column, reason, raw)]


def test_a_refused_row_of_parquet(job: Any, contract: str) -> None:
    rows = "SELECT CASE WHEN i = 70 THEN NULL ELSE i END AS id, 'n' || i AS name, [i] AS more FROM range(100) t(i)"
    parquet(job.root / "source" / "x.parquet", rows)
    parquet(job.root / "source" / "y.parquet", "SELECT 1 AS id, repeat('x', 21) AS name, [1] AS more")
    result = job.clean({}, contract)
    assert [row[0] for row in result.staged] == [i for i in range(100) if i != 70]
    assert [(Path(row[1]).name, *row[2:5]) for row in result.rejected] == [
        ("x.parquet", 71, "id", "required but empty"),
        ("y.parquet", 1, "name", "longer than the 20 bytes of VARCHAR(20)"),
    ]
    assert json.loads(result.rejected[0][5]) == {"id": None, "name": "n70", "more": [70]}


def test_a_run_whose_every_row_is_refused_fails_and_tells_the_reasons(job: Any, contract: str) -> None:
    result = job.halt({"x.csv": b"id,name\na,b\nc\n,d\n", "y.json": b"{}\n"}, contract)
    assert result.error == (
        "error: all 4 rows were refused: id: required but empty (2), (row): too few fields (1), id: not a BIGINT (1)\n"
    )
    assert len(result.rejected) == 4
    failure = result.failure
    assert (failure["rows_in"], failure["rows_out"], failure["rows_rejected"]) == (4, 0, 4)
    assert failure["rejected_reasons"] == {
        "id: required but empty": 2,
        "id: not a BIGINT": 1,
        "(row): too few fields": 1,
    }
    assert [file["rows"] for file in failure["rejected_files"]] == [4]
    assert failure["files_out"] == []


def test_a_rule_for_refused_rows_decides_about_a_run_without_a_good_row(
    job: Any, contract_of: Callable[..., str]
) -> None:
    allowed = {"rejectedRows": {"mustBeLessOrEqualTo": 100, "unit": "percent"}}
    result = job.clean({"x.csv": b"id,name\na,b\n"}, contract_of(NUMBERED, custom=allowed))
    assert result.staged == []
    assert len(result.rejected) == 1
    assert [file["rows"] for file in result.manifest["files_out"]] == [0]


def test_no_file_of_refused_rows_is_written_when_there_are_none(job: Any, contract: str) -> None:
    result = job.clean({"x.csv": b"id,name\n1,b\n"}, contract)
    assert result.manifest["rejected_files"] == []
    assert not list((job.root / "rejected").rglob("*.parquet"))


@pytest.mark.parametrize("lines", [b"1\n\n2\n", b"1\r\n\r\n2\r\n", b'1\n""\n2', b"1\n\n2\n\n"])
def test_a_blank_line_of_a_file_with_one_column_is_a_null(
    job: Any, contract_of: Callable[..., str], lines: bytes
) -> None:
    end = b"\r\n" if b"\r" in lines else b"\n"
    result = job.clean({"x.csv": b"id" + end + lines}, contract_of([{"name": "id", "logicalType": "integer"}]))
    assert result.staged == [(1,), (None,), (2,), *([(None,)] if lines.endswith(b"2\n\n") else [])]


def test_a_last_line_that_ends_with_a_carriage_return_is_a_row(job: Any, contract: str) -> None:
    assert job.clean({"x.csv": b"id,name\r\n1,a\r\n2,b\r"}, contract).staged == [(1, "a"), (2, "b")]


def test_line_ends_may_be_mixed(job: Any, contract: str) -> None:
    result = job.clean({"x.csv": b"id,name\r\n1,a\n2,b\r\n3,c\n"}, contract)
    assert result.staged == [(1, "a"), (2, "b"), (3, "c")]
    assert not result.rejected


@pytest.mark.parametrize("line", [b"3,c,x", b"3,c,", b'3,c,""', b"3,,", b",3,c", b"3,c,,,"])
def test_a_field_too_many_refuses_the_row_also_when_it_is_empty(job: Any, contract: str, line: bytes) -> None:
    result = job.clean({"x.csv": b"id,name\n1,a\n" + line + b"\n2,b\n"}, contract)
    assert result.staged == [(1, "a"), (2, "b")]
    assert result.refused == [(3, None, "too many fields")]


def test_a_comma_too_many_in_the_middle_shifts_no_value(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([{"name": "a"}, {"name": "b"}, {"name": "c"}])
    result = job.clean({"x.csv": b"a,b,c\n1,2,3\n1,,2,\n4,5,6\n"}, contract)
    assert result.staged == [("1", "2", "3"), ("4", "5", "6")]
    assert result.refused == [(3, None, "too many fields")]


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("text", ["é", "漢", "😀"])
def test_an_open_quote_before_a_long_text_costs_what_is_no_record(
    job: Any, contract: str, text: str, shift: int
) -> None:
    # DuckDB cuts the line in its message after some ten thousand bytes, within a character or not.
    long = f"{'x' * shift}{text * 12_000}"
    result = job.clean({"x.csv": f'id,name\n1,one\n2,"{long}\n3,three\n'.encode()}, contract)
    assert result.refused[0] == (3, None, "unterminated or misplaced quote")
    assert result.staged == [(1, "one"), (3, "three")]


def test_an_open_quote_costs_one_line(job: Any, contract: str, small_pieces: int) -> None:
    good = [b"%d,x%d" % (number, number) for number in range(6_000)]
    lines = [b"id,name", *good[:3_000], b'1,"open', *good[3_000:]]
    result = job.clean({"x.csv": b"\n".join(lines)}, contract)
    assert result.refused == [(3_002, None, "unterminated or misplaced quote")]
    assert [row[0] for row in result.staged] == list(range(6_000))


def test_a_segment_may_end_within_quotes_that_a_stray_quote_hid(job: Any, contract: str, small_pieces: int) -> None:
    # An odd quote in an unquoted field makes every line end within the following quotes look like one outside.
    lines = [b"id,name", b'0,5" disk', *(b'%d,"a\nb\nc"' % number for number in range(1, 3_000))]
    result = job.clean({"x.csv": b"\n".join(lines)}, contract)
    assert result.staged == [(0, '5" disk'), *((number, "a\nb\nc") for number in range(1, 3_000))]
    assert not result.rejected
    assert len(result.manifest["files_out"]) > 1


def test_rows_keep_their_order_over_segments_batches_and_files(job: Any, contract: str, small_pieces: int) -> None:
    rows = [(number, f"line\n{number}" if number % 7 == 0 else f"n{number}") for number in range(9_000)]
    body = [f'{number},"{name}"\n' if "\n" in name else f"{number},{name}\n" for number, name in rows]
    files = {
        f"{part}.csv": "".join(["id,name\n", *body[part * 3_000 : (part + 1) * 3_000]]).encode() for part in range(3)
    }
    result = job.clean(files, contract)
    assert result.staged == rows
    assert len(result.manifest["files_out"]) > 3
    assert sum(file["rows"] for file in result.manifest["files_out"]) == 9_000


def test_a_large_parquet_file_is_staged_as_several_in_order(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_python_job.cleaning import cleaner

    monkeypatch.setattr(cleaner, "PARQUET_BYTES", 200_000)
    rows = "SELECT i AS id, CASE WHEN i % 200000 = 7 THEN repeat('x', 21) ELSE left(hash(i)::VARCHAR, 20) END AS name"
    parquet(job.root / "source" / "x.parquet", f"{rows} FROM range(400000) t(i)")
    result = job.clean({}, contract)
    assert [row[0] for row in result.staged] == [i for i in range(400_000) if i % 200_000 != 7]
    assert len(result.manifest["files_out"]) > 3
    assert result.refused == [(line, "name", "longer than the 20 bytes of VARCHAR(20)") for line in (8, 200_008)]


def test_a_batch_grows_until_it_makes_a_file_of_the_wanted_size(
    job: Any, contract: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = []
    monkeypatch.setattr(batches.Batches, "learn", lambda _, text, parquet_: learned.append((text, parquet_)))
    job.clean({"x.csv": b"id,name\n1,a\n"}, contract)
    (file,) = job.manifest["files_out"]
    assert learned == [(4, file["bytes"])]


def test_the_size_of_a_batch_follows_the_ratio_of_text_to_parquet() -> None:
    sized: Any = batches.Batches.__new__(batches.Batches)
    for text, written, target in [
        (500 * sizes.MIB, 100 * sizes.MIB, 640 * sizes.MIB),
        (500 * sizes.MIB, 1 * sizes.MIB, sizes.LARGEST_BATCH_BYTES),
        (50 * sizes.MIB, 200 * sizes.MIB, sizes.SMALLEST_BATCH_BYTES),
    ]:
        sized.learn(text, written)
        assert sized._learned == target
    sized.learn(0, 0)
    assert sized._learned == sizes.SMALLEST_BATCH_BYTES


def test_the_progress_is_logged(job: Any, contract: str) -> None:
    result = job.clean({"x.csv": b"id,name\n1,a\nx,b\n"}, contract)
    assert messages(result) == ["started", "reading", "cleaned", "published", "published", "published", "finished"]
    assert all({"time", "level", "job_id", "stage", "message"} <= set(line) for line in result.logs)
    cleaned = result.logs[2]
    assert (cleaned["staged"], cleaned["rejected"], cleaned["bytes"]) == (1, 1, 8)
    assert cleaned["seconds"] >= 0
    assert result.logs[-1]["rows_in"] == 2


def test_nothing_is_left_in_the_scratch_directory(
    job: Any, contract: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    job.clean({"x.csv": b"id,name\n1,a\nx\n", "y.csv.gz": b"id,name\n1,a\n"}, contract)
    assert not list(scratch.iterdir())
    assert sorted(path.name for path in (job.root / "source").iterdir()) == ["x.csv", "y.csv.gz"]
    (job.root / "runs" / "python.json").unlink()
    job.write({"z.csv": b"id\n"}, contract)
    assert job.run().code == 1
    assert not list(scratch.iterdir())


def test_the_source_is_not_touched(job: Any, contract: str) -> None:
    parquet(job.root / "source" / "z.parquet", "SELECT 1 AS id, 'a' AS name UNION ALL SELECT NULL, 'b'")
    files = {"x.csv": b"id,name\n1,a\nx\n", "y.json": b'{"id":1}\n{'}
    job.write(files, contract)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (job.root / "source").iterdir()}
    assert job.run().code == 0
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (job.root / "source").iterdir()}


def test_rows_keep_their_order_with_several_threads(job: Any, contract_of: Callable[..., str]) -> None:
    values = [f"value {number}" for number in range(20)]
    column = {"name": "v", "logicalType": "string", "quality": [valid(values)]}
    contract = contract_of([{"name": "id", "logicalType": "integer", "unique": True}, column])
    # Several of DuckDB's buffers, of 8 MB each. The ID that occurs twice is far from its first row.
    rows = [f"{number},{values[number % 20]}," + "x" * 100 for number in range(250_000)]
    rows[200_000] = "7,value 1,twice"
    rows[100_000] = "100000,no value,refused"
    result = job.clean({"x.csv": ("id,v,more\n" + "\n".join(rows)).encode()}, contract)
    assert [row[0] for row in result.staged] == [n for n in range(250_000) if n not in (100_000, 200_000)]
    assert [row[5] for row in result.rejected] == ["100000,no value,refused", "7,value 1,twice"]
    assert [row[2] for row in result.rejected] == [100_002, 200_002]


@pytest.mark.parametrize("required", [False, True])
def test_long_lists_of_values_are_exact(job: Any, contract_of: Callable[..., str], required: bool) -> None:
    values = [*(f"it's {number}" for number in range(200)), "x"]
    column = {"name": "v", "logicalType": "string", "required": required, "quality": [valid(values)]}
    found = ["it's 199", "It's 199", "x", "X", "x ", "", "it's 200"]
    text = "v,n\n" + "".join(f"{value},1\n" for value in found)
    result = job.clean({"x.csv": text.encode()}, contract_of([column]))
    assert [row[0] for row in result.staged] == ["it's 199", "x", *([] if required else [None])]
    assert [row[2] for row in result.rejected] == [3, 5, 6, *([7] if required else []), 8]


def valid(values: list[str]) -> dict[str, Any]:
    return {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": values}}
