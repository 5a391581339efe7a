from __future__ import annotations

import io
from typing import Any

import pytest

from dataset_contract import wording
from dataset_contract.model import Column
from dataset_contract.types import parse
from glue_python_job.text import grammar
from glue_python_job.text.json_records import JsonGrammar, path_of


def rows_of(*source_names: str, array: bool = False) -> JsonGrammar:
    names = source_names or ("id", "note", "$.at.city")
    columns = [Column(name.rpartition(".")[2].lower(), parse("VARCHAR(9)"), name) for name in names]
    return JsonGrammar(tuple(columns), array)


def split(text: bytes, rows: JsonGrammar) -> list[Any]:
    """Of each row its line, then its values, or why it is none: column, reason, text."""
    found: list[Any] = []
    for run in rows.splitter(io.BytesIO(text).read).runs():
        if run.problem:
            found.append((run.line, run.column, run.problem, rows.text(run.raws[0])))
        else:
            found += [(run.line + index, *values) for index, values in enumerate(run.rows)]
    return found


@pytest.mark.parametrize(
    ("line", "values"),
    [
        (b'{"id": 99999999999999.99, "note": 1.10}', ("99999999999999.99", "1.10", None)),
        (b'{"id": 9007199254740993.0, "note": 1e5}', ("9007199254740993.0", "1e5", None)),
        (b'{"id": "", "note": null, "at": null}', ("", None, None)),
        (b'{"id": true, "note": false, "at": {"city": "x", "id": 2}}', ("true", "false", "x")),
        (b'{"at": {}}', (None, None, None)),
        (b'{"id": "\\u00e9\\ud834\\udd1e", "IDs": 3}', ("\u00e9\U0001d11e", None, None)),
        (b'{"id": "\\n\\u0001", "more": "\\u0000", "deep": [{}]}', ("\n\x01", None, None)),
        (b"{}", (None, None, None)),
        (b'{"id": ' + b"9" * 5_000 + b"}", ("9" * 5_000, None, None)),
    ],
)
def test_values_are_the_text_that_stands_there(line: bytes, values: tuple[str | None, ...]) -> None:
    assert split(line, rows_of()) == [(0, *values)]


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (b'{"id":1,}', None, wording.NOT_JSON),
        (b'{"id":NaN}', None, wording.NOT_JSON),
        (b'{"id":-Infinity}', None, wording.NOT_JSON),
        (b'{"id":01}', None, wording.NOT_JSON),
        (b'{"id":"a\tb"}', None, wording.NOT_JSON),
        (b"{'id':1}", None, wording.NOT_JSON),
        (b'{"id":1} {"id":2}', None, wording.NOT_JSON),
        (b"[" * 100_000, None, wording.NOT_JSON),
        (b'["id"]', None, wording.NOT_AN_OBJECT),
        (b"1", None, wording.NOT_AN_OBJECT),
        (b"null", None, wording.NOT_AN_OBJECT),
        (b'"id"', None, wording.NOT_AN_OBJECT),
        (b'{"id":1,"note":"a","note":"b"}', "note", 'has two keys "note"'),
        (b'{"id":1,"x":"a","x":"a"}', None, 'has two keys "x"'),
        (b'{"at":{"city":1,"city":1}}', "city", 'has two keys "city"'),
        (b'{"ID":3}', "id", 'has the key "ID" instead of "id"'),
        (b'{"id":1,"ID":2}', "id", 'has the key "ID" beside "id"'),
        (b'{"at":{"City":3}}', "city", 'has the key "City" instead of "city"'),
        (b'{"at":{"City":3,"city":4}}', "city", 'has the key "City" beside "city"'),
        (b'{"at":null,"At":{"city":4}}', "city", 'has the key "At" beside "at"'),
        ('{"\u00e9":1,"\u00e9":1}'.encode(), None, 'has two keys "\u00e9"'),
        (b'{"\\ud800":1,"\\ud800":1}', None, 'has two keys "\\ud800"'),
        (b'{"%b":1,"%b":1}' % (b"k" * 3_000, b"k" * 3_000), None, f'has two keys "{"k" * 100}\u2026"'),
        (b'{"id":1,"note":"a\\u0000b"}', "note", wording.NUL),
        (b'{"id":1,"note":"\\ud800"}', "note", wording.HALF_PAIR),
        (b'{"note":{"a":1}}', "note", "not a VARCHAR(9)"),
        (b'{"note":[]}', "note", "not a VARCHAR(9)"),
        (b'{"at":[1]}', "city", "$.at is not a JSON object"),
        (b'{"id":"\xff"}', None, grammar.ENCODING),
        (b'{"id":"\0"}', None, wording.NUL),
    ],
)
def test_a_row_that_is_none_costs_no_other(line: bytes, column: str | None, reason: str) -> None:
    found = split(b'{"id":1}\n{"id":2}\r\n\n' + line + b'\n{"id":3}', rows_of())
    text = line.decode("utf-8", "backslashreplace")
    assert found == [(0, "1", None, None), (1, "2", None, None), (3, column, reason, text), (4, "3", None, None)]


def test_empty_lines_are_counted() -> None:
    splitter = rows_of().splitter(io.BytesIO(b"\n{}\n \n\n{}").read)
    assert sum(len(run.rows) for run in splitter.runs()) == 2
    assert splitter.empty_lines == 3


def test_rows_of_an_array_have_the_lines_of_its_file() -> None:
    text = b'\x1e\x1e{\x1e"id":1}\n{"id":2}\n\x1e{"id":3,\x1d\x1e}\n\x1e4\n'
    assert split(text, rows_of("id", array=True)) == [
        (2, "1"),
        (3, "2"),
        (4, None, wording.NOT_JSON, '{"id":3,\r\n}'),
        (6, None, wording.NOT_AN_OBJECT, "4"),
    ]


def test_keys_of_columns_may_differ_by_case() -> None:
    rows = rows_of("id", "ID", "$.at.x", "$.at.X")
    assert split(b'{"id":1,"ID":2,"at":{"x":3,"X":4}}', rows) == [(0, "1", "2", "3", "4")]
    assert split(b'{"id":1,"Id":2}', rows)[0][2] == 'has the key "Id" beside "id"'


def test_columns_whose_key_is_in_no_row_are_known() -> None:
    splitter = rows_of("id", "note", "more", "$.at.city", "$.at.id").splitter(
        io.BytesIO(b'{"id":1}\n{"note":null}\n{"more":[]}\n{"at":{"id":1}}\n{"at":1}\n{"x":"more').read
    )
    assert sum(len(run.raws) for run in splitter.runs() if not run.problem) == 3
    assert splitter.unseen == {3}


def test_a_path_leads_through_keys() -> None:
    assert path_of("$.a.b") == ("a", "b")
    assert path_of("a.b") == ("a.b",)
