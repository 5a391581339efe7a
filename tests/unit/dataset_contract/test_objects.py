from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dataset_contract.model import CsvDialect, Distribution, Load, SetRule
from tests.unit.dataset_contract.documents import accepted, column, document, refusal, table


def source(**custom: Any) -> dict[str, Any]:
    return document(source=table("orders", "source", column(), custom=custom))


def output(**custom: Any) -> dict[str, Any]:
    return document(output=table("totals", "output", column("id"), column("day", "DATE"), custom=custom))


def test_a_dialect_is_as_the_standard_of_csv_where_nothing_is_said() -> None:
    assert accepted(source()).source.csv == accepted(source(csv={})).source.csv == CsvDialect()


def test_each_field_of_a_dialect() -> None:
    csv = {
        "delimiter": "||",
        "quote": "'",
        "escape": "\\",
        "header": False,
        "encoding": "CP1252",
        "decimalSeparator": ",",
        "thousandsSeparator": ".",
        "comment": "#",
        "skipLines": 2,
        "trailingDelimiter": True,
    }
    assert accepted(source(csv=csv)).source.csv == CsvDialect("||", "'", "\\", False, "cp1252", ",", ".", "#", 2, True)


def test_no_quote_means_no_escape() -> None:
    assert accepted(source(csv={"quote": ""})).source.csv == CsvDialect(quote="", escape="")
    assert accepted(source(csv={"quote": "'"})).source.csv == CsvDialect(quote="'", escape="'")
    assert accepted(source(csv={"escape": ""})).source.csv == CsvDialect(escape="")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("UTF-8", "utf-8"),
        ("utf_8_sig", "utf-8-sig"),
        ("latin-1", "iso8859-1"),
        ("windows-1252", "cp1252"),
        ("ISO-8859-15", "iso8859-15"),
        ("UTF-16LE", "utf-16-le"),
    ],
)
def test_an_encoding_has_the_name_of_its_codec(given: str, name: str) -> None:
    assert accepted(source(csv={"encoding": given})).source.csv.encoding == name


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        (["a"], ': ["a"] is not a mapping; accepted: delimiter, quote'),
        ({"delimeter": ";"}, '.delimeter: is not an element here; did you mean "delimiter"'),
        ({"delimiter": ""}, '.delimiter: "" is empty; accepted: 1 to 8 characters'),
        ({"delimiter": "\n"}, '.delimiter: "\\n" is not a delimiter'),
        ({"delimiter": '"'}, "is not a delimiter; accepted: 1 to 8 characters, no quote and no line end"),
        ({"delimiter": "123456789"}, "is not a delimiter"),
        ({"delimiter": 5}, ".delimiter: 5 is not a text"),
        ({"quote": "''"}, ".quote: \"''\" cannot be the quote; accepted: one ASCII character"),
        ({"quote": "«"}, ".quote: "),
        ({"quote": None}, ".quote: null is not a text"),
        ({"escape": "ab"}, '.escape: "ab" cannot be the escape'),
        ({"escape": "\\", "quote": ""}, "stands without a quote"),
        ({"escape": "|", "delimiter": "|"}, "is in the delimiter"),
        ({"header": "no"}, '.header: "no" is not true or false'),
        ({"encoding": "utf8mb4"}, '.encoding: "utf8mb4" is not an encoding that is read; accepted: utf-8'),
        ({"encoding": "utf-7"}, '.encoding: "utf-7" is not an encoding that is read'),
        ({"encoding": "base64"}, "is not an encoding that is read"),
        ({"decimalSeparator": ""}, '.decimalSeparator: "" is not a separator'),
        ({"decimalSeparator": "x"}, '.decimalSeparator: "x" is not a separator'),
        ({"decimalSeparator": ",", "thousandsSeparator": ","}, '.thousandsSeparator: "," is the other separator too'),
        ({"thousandsSeparator": "."}, '.thousandsSeparator: "." is the other separator too'),
        ({"comment": '"#'}, "is not a sign of a comment"),
        ({"comment": ","}, "begins with the delimiter"),
        ({"skipLines": -1}, ".skipLines: -1 is not a whole number of 0 or more"),
        ({"skipLines": True}, ".skipLines: true is not a whole number"),
        ({"skipLines": 1_000_001}, ".skipLines: 1000001 is more than is skipped; accepted: 0 to 1,000,000"),
        (
            {"encoding": "latin-1", "delimiter": "日"},
            '.delimiter: "日" is never in a file of encoding iso8859-1; accepted: characters that it has',
        ),
        ({"encoding": "cp1252", "comment": "→"}, '.comment: "→" is never in a file of encoding cp1252'),
        ({"encoding": "cp437", "thousandsSeparator": "\u202f"}, ".thousandsSeparator: "),
        ({"trailingDelimiter": 1}, ".trailingDelimiter: 1 is not true or false"),
    ],
)
def test_a_dialect_is_refused(csv: Any, message: str) -> None:
    told = refusal(source(csv=csv))
    assert told.startswith("schema[0].customProperties[1].value")
    assert message in told


def test_rejected_rows() -> None:
    value = {"mustBeLessOrEqualTo": 2, "unit": "percent", "severity": "warning"}
    assert accepted(source(rejectedRows=value)).set_rules == (
        SetRule(
            "orders.rejectedRows", "orders", "rejectedRows", "mustBeLessOrEqualTo", (Decimal(2),), "warning", "percent"
        ),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, ": has no operator"),
        ({"mustBe": 1.5}, ".mustBe: 1.5 is not a number of rows"),
        ({"mustBe": 1, "unit": "files"}, ".unit: "),
        ({"mustBe": 1, "severity": "fatal"}, ".severity: "),
        ({"mustbe": 1}, '.mustbe: is not an element here; did you mean "mustBe"'),
    ],
)
def test_rejected_rows_are_refused(value: Any, message: str) -> None:
    assert f"schema[0].customProperties[1].value{message}" in refusal(source(rejectedRows=value))


def test_an_output_is_appended_and_sorted_by_its_job() -> None:
    totals = accepted(output()).outputs[0]
    assert (totals.load, totals.distribution) == (Load("append"), Distribution("AUTO", "", ("job_id",)))
    assert accepted(output(load={"mode": "append"})).outputs[0].load == Load()


@pytest.mark.parametrize(
    ("custom", "expected"),
    [
        ({"distributionStyle": "all"}, Distribution("ALL")),
        ({"distributionKey": "id"}, Distribution("KEY", "id")),
        ({"distributionStyle": "KEY", "distributionKey": "job_id"}, Distribution("KEY", "job_id")),
        ({"sortKey": ["day", "job_id"]}, Distribution(sort_key=("day", "job_id"))),
    ],
)
def test_distribution(custom: dict[str, Any], expected: Distribution) -> None:
    assert accepted(output(**custom)).outputs[0].distribution == expected


@pytest.mark.parametrize(
    ("custom", "message"),
    [
        ({"load": {}}, ".mode: is missing; accepted: append, replace, replace_partition, merge"),
        ({"load": "append"}, ': "append" is not a mapping; accepted: mode, columns, orderBy'),
        ({"distributionStyle": "KEY"}, ': "KEY" needs a distributionKey'),
        (
            {"distributionStyle": "ALL", "distributionKey": "id"},
            ': "ALL" has no distributionKey; accepted with one: KEY',
        ),
        ({"distributionStyle": "SOME"}, ': "SOME" is not a distribution style; accepted: AUTO, EVEN, ALL, KEY'),
        ({"distributionKey": "idd"}, ': "idd" is not a column; did you mean "id"?; accepted: id, day, job_id'),
        ({"sortKey": []}, ": [] is not a list of columns"),
        ({"sortKey": "day"}, ': "day" is not a list of columns'),
        ({"sortKey": ["day", "day"]}, '[1]: "day" occurs twice'),
        ({"sortKey": ["month"]}, '[0]: "month" is not a column'),
        ({"csv": {}}, ": csv does not apply to an object of role output; accepted for: source and reference"),
        ({"rejectedRows": {}}, ": rejectedRows does not apply to an object of role output; accepted for: source"),
    ],
)
def test_how_an_output_is_kept_is_refused(custom: dict[str, Any], message: str) -> None:
    told = refusal(output(**custom))
    assert told.startswith("schema[2].customProperties[")
    assert f"].value{message}" in told
