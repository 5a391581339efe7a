"""Which values are good, for each type and rule: the same texts in CSV and in JSON lines, and typed ones in Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from dataset_contract import wording
from dataset_contract.model import SOURCE, Column, CsvDialect, DataObject, ValueRule
from dataset_contract.types import DEFAULTS, parse
from glue_python_job import sql
from glue_python_job.cleaning.rules import RowPlan, staged
from glue_python_job.text.layout import CSV, JSON, Layout


def at(*parts: int) -> datetime:
    """A timestamp without time zone, as TIMESTAMP is."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


Case = tuple[str, Any]  # a text, and its value or REFUSED
REFUSED = object()

TEXTS: dict[str, Sequence[Case]] = {
    "SMALLINT": [
        *(("0", 0), ("-32768", -32768), ("32767", 32767), ("+5", 5), ("007", 7), (" 5 ", 5), ("1.0", 1), ("5.", 5)),
        *((text, REFUSED) for text in ("32768", "-32769", "1.5", ".5", "0x10", "1_000", "1,0", "-", "x", "٣")),
        *((text, REFUSED) for text in ("true", "--5", "- 5", "1e", "e5", "NaN", "0b1")),
    ],
    "BIGINT": [
        *(("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63))),
        *((text, REFUSED) for text in ("9223372036854775808", "123456789012345678.4")),
    ],
    "DECIMAL(5,2)": [
        *(("999.99", Decimal("999.99")), ("-1.5", Decimal("-1.50")), ("7", Decimal("7.00")), ("+.5", Decimal("0.50"))),
        *(("1.2300", Decimal("1.23")), (" 5. ", Decimal("5.00")), ("00.10", Decimal("0.10"))),
        *((text, REFUSED) for text in ("1000", "1.239", "999.995", ".123", "1_0", "nan", ".", "1.2.3")),
    ],
    "DECIMAL(5,0)": [("12", Decimal(12)), ("12.0", Decimal(12)), ("12.5", REFUSED), (".", REFUSED)],
    "DOUBLE PRECISION": [
        *(("1.5", 1.5), ("1e3", 1000.0), ("-.5", -0.5), ("5.", 5.0), (" 2 ", 2.0), ("5e-324", 5e-324)),
        *((text, 0.0) for text in ("0", "-0.0", ".0", "0e5", "0e-400")),
        *((text, REFUSED) for text in ("1e-400", "2e-324", "-0.1e-400", "+-1", "-+1", ".", "e5", "1e")),
        *((text, REFUSED) for text in ("nan", "inf", "-Infinity", "1e400", "1_0.5", "1,5", "0x1p3", "x", "1.5f")),
    ],
    "REAL": [("0.5", 0.5), ("3e38", 3.0000000054977558e38), ("1e39", REFUSED), ("1e-46", REFUSED), ("x", REFUSED)],
    "BOOLEAN": [
        *((text, True) for text in ("true", "TRUE", "t", "1", "yes", "y")),
        *((text, False) for text in ("false", "False", "f", "0", "no", "n")),
        *((text, REFUSED) for text in ("2", "on", "maybe")),
    ],
    "DATE": [
        *((text, date(2013, 1, 31)) for text in ("2013-01-31", "2013-01-31 00:00", "2013-01-31T00:00:00.000Z")),
        *(("0001-01-01", date(1, 1, 1)), ("9999-12-31", date(9999, 12, 31))),
        *((text, REFUSED) for text in ("2013-02-30", "2013-1-31", "2013/01/31", "20130131", "31.01.2013", "epoch")),
        *(
            (text, REFUSED)
            for text in ("2013-01-31 10:00:00", "10000-01-01", "0000-12-31", "2013-01-31 (BC)", "infinity")
        ),
    ],
    "TIMESTAMP": [
        *((text, at(2013, 1, 1, 10)) for text in ("2013-01-01T10:00:00Z", "2013-01-01 10:00:00", "2013-01-01T10:00")),
        *((text, at(2013, 1, 1, 8)) for text in ("2013-01-01T10:00:00+02:00", "2013-01-01 03:30:00-04:30")),
        *(
            ("2013-01-01", at(2013, 1, 1)),
            ("2013-01-01T10:00:00.123456000Z", at(2013, 1, 1, 10, 0, 0, 123456)),
            ("2013-01-01T10:00:00.1234569Z", REFUSED),
            ("2013-01-01T10:00:00.123456001+02:00", REFUSED),
        ),
        *(
            (text, REFUSED)
            for text in ("2013-02-30T10:00:00Z", "2013-01-01T25:00:00", "1357034400", "epoch", "infinity")
        ),
        *((text, REFUSED) for text in ("2013/01/01 10:00", "0000-01-01T00:00:00Z", "2013-01-01Tx", "20130101T100000Z")),
        *((text, REFUSED) for text in (" 024-01-01 12:30", "2024-01-01 12:30+18:01", "2024-01-01 12:30+01:60")),
    ],
    "TIMESTAMPTZ": [
        ("2013-01-01T10:00:00+02:00", "2013-01-01 08:00:00+00"),
        ("2013-01-01 10:00:00", "2013-01-01 10:00:00+00"),
        ("x", REFUSED),
    ],
    "VARCHAR(4)": [("abcd", "abcd"), ("éé", "éé"), (" a ", " a "), ('"', '"'), ("a,b", "a,b"), ("a\nb", "a\nb")],
    "CHAR(2)": [("ab", "ab"), ("a", "a")],
}
LOGICAL = {
    "SMALLINT": "integer",
    "BIGINT": "integer",
    "DECIMAL(5,2)": "number",
    "DECIMAL(5,0)": "number",
    "DOUBLE PRECISION": "number",
    "REAL": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamp",
}


def file_of(texts: Sequence[str], file_format: str) -> dict[str, bytes]:
    if file_format == "csv":
        quoted = ['"' + text.replace('"', '""') + '"' for text in texts]
        return {"x.csv": "".join(["id,v\n", *(f"{n},{text}\n" for n, text in enumerate(quoted))]).encode()}
    return {"x.json": "".join(json.dumps({"id": n, "v": text}) + "\n" for n, text in enumerate(texts)).encode()}


def values(job: Any, contract: str, files: dict[str, bytes], count: int) -> tuple[list[Any], set[str]]:
    """The staged value of each row (REFUSED for none), and the reasons."""
    result = job.clean(files, contract)
    staged = dict(result.staged)
    assert len(staged) + len(result.rejected) == count
    assert {row[3] for row in result.rejected} <= {"v"}
    return [staged.get(n, REFUSED) for n in range(count)], {row[4] for row in result.rejected}


@pytest.mark.parametrize("file_format", ["csv", "json"])
@pytest.mark.parametrize("type_name", TEXTS)
def test_texts_of_a_type(job: Any, contract_of: Callable[..., str], type_name: str, file_format: str) -> None:
    cases = TEXTS[type_name]
    column = {"name": "v", "logicalType": LOGICAL.get(type_name, "string"), "physicalType": type_name}
    contract = contract_of([{"name": "id", "logicalType": "integer"}, column])
    found, reasons = values(job, contract, file_of([text for text, _ in cases], file_format), len(cases))
    assert dict(zip([text for text, _ in cases], found)) == dict(cases)
    assert reasons <= {f"not a {type_name}"}
    assert bool(reasons) == any(value is REFUSED for _, value in cases)


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("null_values", [[""], ["", "NA"], ["NA"]])
@pytest.mark.parametrize("type_name", TEXTS)
def test_texts_that_mean_null(
    job: Any, contract_of: Callable[..., str], type_name: str, null_values: list[str], required: bool
) -> None:
    of_text = type_name.startswith(("VARCHAR", "CHAR"))
    cases = dict(TEXTS[type_name]) | dict.fromkeys(["", "NA"], REFUSED)
    if of_text:
        cases |= {"": "", "NA": "NA"}
    cases |= dict.fromkeys(null_values, REFUSED if required else None)
    column: dict[str, Any] = {"name": "v", "logicalType": LOGICAL.get(type_name, "string"), "physicalType": type_name}
    column |= {"required": required, "customProperties": [{"property": "nullValues", "value": null_values}]}
    contract = contract_of([{"name": "id", "logicalType": "integer"}, column])
    found, reasons = values(job, contract, file_of(list(cases), "csv"), len(cases))
    assert dict(zip(cases, found)) == cases
    assert ("required but empty" in reasons) is required


# A text as each type prints it.
USUAL = {
    "SMALLINT": "-5",
    "DECIMAL(5,2)": "1.50",
    "DECIMAL(5,0)": "12",
    "DOUBLE PRECISION": "1.5",
    "REAL": "0.5",
    "BOOLEAN": "true",
    "DATE": "2013-01-31",
    "TIMESTAMP": "2013-01-01 10:00:00",
    "TIMESTAMPTZ": "2013-01-01 10:00:00+00",
    "VARCHAR(4)": "abcd",
    "CHAR(2)": "ab",
}
MANY = [*(f"n{number}" for number in range(59)), "it's"]
NOT_LESS = "not less than -2.5 (exclusiveMaximum)"
RULES: list[tuple[str, dict[str, Any], str, list[str], list[str]]] = [
    ("integer", {"logicalTypeOptions": {"minimum": 3}}, "less than 3 (minimum)", ["3", "4"], ["2", "-9"]),
    ("integer", {"logicalTypeOptions": {"maximum": 3}}, "more than 3 (maximum)", ["3", "-4"], ["4"]),
    (
        "integer",
        {"logicalTypeOptions": {"exclusiveMinimum": 3}},
        "not more than 3 (exclusiveMinimum)",
        ["4"],
        ["3", "2"],
    ),
    (
        "integer",
        {"logicalTypeOptions": {"exclusiveMaximum": 3}},
        "not less than 3 (exclusiveMaximum)",
        ["2"],
        ["3", "4"],
    ),
    ("number", {"logicalTypeOptions": {"minimum": 0.1}}, "less than 0.1 (minimum)", ["0.1", "1"], ["0.09999"]),
    (
        "number",
        {"physicalType": "DECIMAL(9,3)", "logicalTypeOptions": {"maximum": 1.005}},
        "more than 1.005 (maximum)",
        ["1.005"],
        ["1.006"],
    ),
    (
        "date",
        {"logicalTypeOptions": {"minimum": "2020-01-02"}},
        "less than 2020-01-02 (minimum)",
        ["2020-01-02"],
        ["2020-01-01"],
    ),
    (
        "timestamp",
        {"logicalTypeOptions": {"exclusiveMaximum": "2020-01-01T00:00:00Z"}},
        "not less than 2020-01-01T00:00:00 (exclusiveMaximum)",
        ["2019-12-31T23:59:59Z", "2020-01-01T01:00:00+02:00"],
        ["2020-01-01T00:00:00Z"],
    ),
    (
        "string",
        {"logicalTypeOptions": {"minLength": 2}},
        "shorter than 2 characters (minLength)",
        ["ab", "éé"],
        ["a", "é"],
    ),
    (
        "string",
        {"logicalTypeOptions": {"maxLength": 2}},
        "longer than 2 characters (maxLength)",
        ["ab", "éé"],
        ["abc", "ééé"],
    ),
    (
        "string",
        {"physicalType": "VARCHAR(4)"},
        "longer than the 4 bytes of VARCHAR(4)",
        ["abcd", "éé"],
        ["abcde", "ééé"],
    ),
    ("string", {"physicalType": "CHAR(1)"}, "longer than the 1 characters of CHAR(1)", ["a"], ["ab"]),
    ("string", {"physicalType": "CHAR(4)"}, "CHAR takes single-byte characters only", ["n", "abcd"], ["né", "ééé"]),
    (
        "string",
        {"logicalTypeOptions": {"pattern": "^[A-Z]{2}$"}},
        "does not match the pattern ^[A-Z]{2}$",
        ["AB"],
        ["ab", "ABC", "AB\n"],
    ),
    ("string", {"logicalTypeOptions": {"pattern": "o'c"}}, "does not match the pattern o'c", ["3 o'clock"], ["oc"]),
    (
        "string",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["A", "it's"]}}]},
        'not one of "A", "it\'s"',
        ["A", "it's"],
        ["a", "B"],
    ),
    (
        "string",
        {
            "physicalType": "CHAR(4)",
            "logicalTypeOptions": {"minLength": 1, "maxLength": 4},
            "quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["A", "it's"]}}],
        },
        'not one of "A", "it\'s"',
        ["A", "it's"],
        ["a", "B"],
    ),
    (
        "integer",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [1, -2]}}]},
        "not one of 1, -2",
        ["1", "-2", "+1"],
        ["2"],
    ),
    (
        "date",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["2020-01-01"]}}]},
        'not one of "2020-01-01"',
        ["2020-01-01"],
        ["2020-01-02"],
    ),
    (
        "string",
        {"quality": [{"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": ["N/A", "it's"]}}]},
        'counts as missing: one of "N/A", "it\'s"',
        ["A", "n/a"],
        ["N/A", "it's"],
    ),
    *(
        (
            "string",
            {"quality": [{"metric": metric, "mustBe": 0, "arguments": {argument: MANY}}]},
            f'{said} "n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", … (60 values)',
            good,
            bad,
        )
        for metric, argument, said, good, bad in (
            ("invalidValues", "validValues", "not one of", ["n0", "it's"], ["n59", "N0"]),
            ("missingValues", "missingValues", "counts as missing: one of", ["n59", "N0"], ["n0", "it's"]),
        )
    ),
    (
        "integer",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": list(range(60))}}]},
        "not one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (60 values)",
        ["0", "59"],
        ["60", "-1"],
    ),
    ("boolean", {"enum": [{"value": True}]}, "not one of true", ["true", "1"], ["false"]),
    ("integer", {"logicalTypeOptions": {"multipleOf": 5}}, "not a multiple of 5", ["0", "-10", "15"], ["1", "-7"]),
    ("integer", {"logicalTypeOptions": {"minimum": 2.5}}, "less than 2.5 (minimum)", ["3"], ["2"]),
    ("integer", {"logicalTypeOptions": {"exclusiveMaximum": -2.5}}, NOT_LESS, ["-3"], ["-2"]),
    *(
        ("number", {"physicalType": "DECIMAL(38,2)", "logicalTypeOptions": {"multipleOf": step}}, reason, good, bad)
        for step, reason, good, bad in (
            (
                0.25,
                "not a multiple of 0.25",
                ["1", "-0.75", "999999999999999999999999999999999999.25"],
                ["0.3", "0.01"],
            ),
            (1.5, "not a multiple of 1.5", ["0", "3", "-4.5"], ["1", "2.25"]),
        )
    ),
    (
        "number",
        {"physicalType": "DECIMAL(38,0)", "logicalTypeOptions": {"minimum": 0.5}},
        "less than 0.5 (minimum)",
        ["1", "9" * 38],
        ["0", "-" + "9" * 38],
    ),
    (
        "number",
        {"physicalType": "REAL", "logicalTypeOptions": {"minimum": 0.7}},
        "less than 0.7 (minimum)",
        ["0.7"],
        ["0.6"],
    ),
]


@pytest.mark.parametrize("file_format", ["csv", "json"])
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(("logical_type", "more", "reason", "good", "bad"), RULES)
def test_the_boundary_of_each_rule(
    job: Any,
    contract_of: Callable[..., str],
    logical_type: str,
    more: dict[str, Any],
    reason: str,
    good: list[str],
    bad: list[str],
    file_format: str,
    required: bool,
) -> None:
    column = {"name": "v", "logicalType": logical_type, "required": required, **more}
    contract = contract_of([{"name": "id", "logicalType": "integer"}, column])
    found, reasons = values(job, contract, file_of(good + bad, file_format), len(good + bad))
    assert [value is REFUSED for value in found] == [False] * len(good) + [True] * len(bad)
    assert reasons == {reason}


@pytest.mark.parametrize("file_format", ["csv", "json", "parquet"])
@pytest.mark.parametrize("required", [False, True])
def test_usual_values_are_kept_before_the_rules_are_asked_one_by_one(
    job: Any, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, file_format: str, required: bool
) -> None:
    columns: list[dict[str, Any]] = []
    texts: list[list[str]] = []
    # No type prints +1, and DuckDB's cast to a TIMESTAMP passes over +02:00.
    usual = [(kind, more, [text for text in good if "+" not in text]) for kind, more, _, good, _ in RULES]
    usual += [(LOGICAL.get(name, "string"), {"physicalType": name}, [text]) for name, text in USUAL.items()]
    for number, (logical_type, more, good) in enumerate(usual):
        columns.append({"name": f"c{number}", "logicalType": logical_type, "required": required, **more})
        texts.append([good[row % len(good)] for row in range(3)])
    names = [column["name"] for column in columns]
    rows: list[list[Any]] = [list(row) for row in zip(*texts)] + ([] if required else [[None] * len(names)])
    files: dict[str, bytes] = {}
    if file_format == "csv":
        lines = [names, *([f'"{text}"' if text else "" for text in row] for row in rows)]
        files["x.csv"] = "".join(",".join(line) + "\n" for line in lines).encode()
    elif file_format == "json":
        files["x.json"] = "".join(json.dumps(dict(zip(names, row))) + "\n" for row in rows).encode()
    job.write(files, contract_of(columns))
    if file_format == "parquet":
        given = [parse(column.get("physicalType") or DEFAULTS[column["logicalType"]]).duckdb for column in columns]
        typed = ", ".join(f"CAST({name} AS {type_}) AS {name}" for name, type_ in zip(names, given))
        many = ", ".join(f"({', '.join(sql.literal(text) if text else 'NULL' for text in row)})" for row in rows)
        duckdb.sql(f"SELECT {typed} FROM (VALUES {many}) AS s({', '.join(names)})").write_parquet(
            f"{job.root}/source/x.parquet"
        )
    # By this the rules refuse each row that they are asked about.
    monkeypatch.setattr("glue_python_job.cleaning.rules._verdict", lambda rules: str(len(rules) - 1))
    result = job.run()
    assert result.code == 0, result.error
    assert result.refused == []
    assert len(result.staged) == len(rows)


REQUIRED = (ValueRule("required"),)
PLAIN = [
    (CSV, Column("v", parse("INTEGER"), "v"), CsvDialect(), True),
    (CSV, Column("v", parse("INTEGER"), "v", REQUIRED), CsvDialect(), True),
    (CSV, Column("v", parse("DATE"), "v"), CsvDialect(decimal_separator=","), True),
    (CSV, Column("v", parse("VARCHAR"), "v", REQUIRED), CsvDialect(), True),
    (CSV, Column("v", parse("VARCHAR"), "v"), CsvDialect(), False),
    (CSV, Column("v", parse("INTEGER"), "v", null_values=("", "NA")), CsvDialect(), False),
    (CSV, Column("v", parse("REAL"), "v"), CsvDialect(decimal_separator=","), False),
    (JSON, Column("v", parse("BOOLEAN"), "v"), CsvDialect(), False),
]


@pytest.mark.parametrize(("file_format", "column", "dialect", "plain"), PLAIN)
def test_a_value_is_not_computed_as_read_where_its_field_tells_as_much(
    file_format: str, column: Column, dialect: CsvDialect, plain: bool
) -> None:
    item = DataObject("items", SOURCE, (column,), csv=dialect)
    statement = RowPlan(Layout(file_format, ("v",), dialect=dialect), item).accepted([Path("x")])
    # DuckDB computes a column that is named again.
    assert (len(re.findall(r"\br0\b", statement)) == 1) is plain


@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        ({"minLength": 2}, ["length(t0) < 2", "strlen(t0) > 4"]),
        ({"maxLength": 3}, ["strlen(t0) > 4", "length(t0) > 3"]),
        ({"maxLength": 4}, ["strlen(t0) > 4"]),  # no text has more characters than bytes
        ({"minLength": 2, "maxLength": 3, "validValues": ("ab",)}, []),  # the contract holds its values to the others
    ],
)
def test_a_length_is_asked_once_where_a_row_is_kept(rules: dict[str, Any], asked: list[str]) -> None:
    column = Column("v", parse("VARCHAR(4)"), "v", tuple(ValueRule(*rule) for rule in rules.items()))
    statement = RowPlan(Layout(CSV, ("v",)), DataObject("items", SOURCE, (column,))).accepted([Path("x")])
    quick = statement.partition(" OR (CASE ")[0].partition(" WHERE ")[2]
    assert sorted(re.findall(r"(?:length|strlen)\(t0\) . \d", quick)) == sorted(asked)


def test_a_long_list_of_texts_is_looked_up(tmp_path: Path) -> None:
    def statement(values: list[str]) -> str:
        column = Column("v", parse("VARCHAR"), "v", (ValueRule("validValues", tuple(values)),))
        return RowPlan(Layout(CSV, ("v",)), DataObject("items", SOURCE, (column,))).accepted([tmp_path])

    assert "AS ENUM('n0', 'n1', " in statement(MANY)
    assert "ENUM" not in statement(MANY[:10])


def test_an_empty_field_is_null_where_the_rules_are_asked_one_by_one(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([{"name": name, "logicalType": "integer"} for name in "ab"])
    # No type prints +5, so the rules are asked about the row.
    assert job.clean({"x.csv": b"a,b\n+5,\n"}, contract).staged == [(5, None)]


def test_a_column_is_found_by_its_physical_name_and_told_by_its_own(job: Any, contract_of: Callable[..., str]) -> None:
    columns = [{"name": name, "physicalName": f"The {name}", "logicalType": "integer"} for name in "ab"]
    result = job.clean({"x.csv": b"The b,The a\n1,2\nx,3\n"}, contract_of(columns))
    assert result.staged == [(2, 1)]
    assert result.refused == [(3, "b", "not a BIGINT")]
    staged = duckdb.read_parquet(f"{job.root}/staged/*/*/*", hive_partitioning=False)
    assert staged.columns == ["a", "b"]


def test_a_row_is_refused_by_the_last_of_hundreds_of_rules(job: Any, contract_of: Callable[..., str]) -> None:
    names = [f"c{number}" for number in range(300)]
    contract = contract_of([{"name": name, "logicalType": "integer"} for name in names])
    lines = [names, ["1"] * 300, ["1"] * 299 + ["x"]]
    result = job.clean({"x.csv": "".join(",".join(line) + "\n" for line in lines).encode()}, contract)
    assert result.staged == [(1,) * 300]
    assert result.refused == [(3, "c299", "not a BIGINT")]


def test_null_breaks_no_rule_but_required(job: Any, contract_of: Callable[..., str]) -> None:
    rules = {"logicalTypeOptions": {"minimum": 3}}
    contract = contract_of(
        [
            {"name": "id", "logicalType": "integer"},
            {"name": "optional", "logicalType": "integer", **rules},
            {"name": "needed", "logicalType": "integer", "required": True, **rules},
        ]
    )
    result = job.clean({"x.csv": b"id,optional,needed\n1,,5\n2,5,\n"}, contract)
    assert result.staged == [(1, None, 5)]
    assert result.refused == [(3, "needed", "required but empty")]


def test_the_first_reason_in_the_order_of_the_contract_is_given(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of(
        [
            {"name": "a", "logicalType": "integer", "logicalTypeOptions": {"minimum": 3}},
            {"name": "b", "logicalType": "integer", "required": True},
        ]
    )
    result = job.clean({"x.csv": b"b,a\n,1\n,x\n,\n1,5\n"}, contract)
    assert result.refused == [
        (2, "a", "less than 3 (minimum)"),
        (3, "a", "not a BIGINT"),
        (4, "b", "required but empty"),
    ]


@pytest.mark.parametrize(
    ("nulls", "expected"),
    [
        (None, [(None, None), ("NA", None), ("-", None)]),
        (["", "NA"], [(None, None), (None, None), ("-", None)]),
        (["-"], [("", ""), ("NA", ""), (None, "")]),
        ([], [("", ""), ("NA", ""), ("-", "")]),
    ],
)
def test_the_texts_that_mean_null_in_csv(
    job: Any, contract_of: Callable[..., str], nulls: list[str] | None, expected: list[tuple[str, str]]
) -> None:
    result = job.clean({"x.csv": b'a,b\n,\nNA,""\n"-",\n'}, contract_of([{"name": "a"}, {"name": "b"}], nulls))
    assert result.staged == expected


def test_in_json_null_is_null_and_a_missing_key_is_null_and_no_text_is(
    job: Any, contract_of: Callable[..., str]
) -> None:
    result = job.clean({"x.json": b'{"a":null}\n{}\n{"a":""}\n{"a":"NA"}\n'}, contract_of([{"name": "a"}], ["NA", ""]))
    assert result.staged == [(None,), (None,), ("",), ("NA",)]


def test_json_values_of_other_types(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of(
        [
            {"name": "i", "logicalType": "integer"},
            {"name": "s", "logicalType": "string"},
            {"name": "b", "logicalType": "boolean"},
            {"name": "x/y~'z\"", "logicalType": "string"},
        ]
    )
    lines = [
        {"i": 5, "s": "five", "b": True, "x/y~'z\"": "odd"},
        {"i": 5.0, "s": 5, "b": "false"},
        {"i": 1.5},
        {"i": True},
        {"i": [1]},
        {"s": {"a": 1}},
        {"s": ["a"]},
        {"x/y~'z\"": [1]},
        {"s": "[not nested]"},
    ]
    result = job.clean({"x.json": "\n".join(map(json.dumps, lines)).encode()}, contract)
    assert result.staged == [
        (5, "five", True, "odd"),
        (5, "5", False, None),
        (None, "[not nested]", None, None),
    ]
    assert [row[1] for row in result.refused] == ["i", "i", "i", "s", "s", "x/y~'z\""]


PARQUET_VALUES: list[tuple[str, str, str, Any]] = [
    ("INTEGER", "5", "SMALLINT", 5),
    ("INTEGER", "40000", "SMALLINT", REFUSED),
    ("DOUBLE", "5.0", "INTEGER", 5),
    ("DOUBLE", "5.5", "INTEGER", REFUSED),
    ("VARCHAR", "'5'", "INTEGER", 5),
    ("VARCHAR", "'5.5'", "INTEGER", REFUSED),
    ("DOUBLE", "12.34", "DECIMAL(5,2)", Decimal("12.34")),
    ("DOUBLE", "12.345", "DECIMAL(5,2)", REFUSED),
    ("DECIMAL(9,3)", "12.340", "DECIMAL(5,2)", Decimal("12.34")),
    ("DECIMAL(9,3)", "12.345", "DECIMAL(5,2)", REFUSED),
    ("DOUBLE", "1000000000000000.1", "DECIMAL(18,2)", Decimal("1000000000000000.10")),
    ("DOUBLE", "123456789012345.67", "DECIMAL(18,2)", Decimal("123456789012345.67")),
    ("DOUBLE", "-1.1", "DECIMAL(38,20)", Decimal("-1.1")),
    ("DOUBLE", "1e15", "DECIMAL(38,20)", Decimal(10) ** 15),
    ("DOUBLE", "1.5e22", "DECIMAL(38,10)", Decimal(15) * 10**21),
    ("DOUBLE", "1.5e-7", "DECIMAL(18,8)", Decimal("0.00000015")),
    ("DOUBLE", "1.5e-7", "DECIMAL(18,7)", REFUSED),
    ("DOUBLE", "1e-300", "DECIMAL(18,2)", REFUSED),
    ("DOUBLE", "1e300", "DECIMAL(38,0)", REFUSED),
    ("DOUBLE", "'-inf'", "DECIMAL(18,2)", REFUSED),
    ("FLOAT", "0.1", "DECIMAL(18,2)", Decimal("0.10")),
    ("FLOAT", "16777216", "DECIMAL(18,2)", Decimal(16777216)),
    ("FLOAT", "0.125", "DECIMAL(18,2)", REFUSED),
    ("DECIMAL(18,2)", "1000000000000000.10", "DOUBLE PRECISION", 1000000000000000.1),
    ("DECIMAL(18,2)", "123456789012345.67", "DOUBLE PRECISION", 123456789012345.67),
    ("DECIMAL(38,20)", "1.10000000000000016384", "DOUBLE PRECISION", REFUSED),
    ("DOUBLE", "0.5", "REAL", 0.5),
    ("DOUBLE", "0.1", "REAL", REFUSED),
    ("DOUBLE", "16777217", "REAL", REFUSED),
    ("DOUBLE", "1e-300", "REAL", REFUSED),
    ("DOUBLE", "1e300", "REAL", REFUSED),
    ("FLOAT", "0.1", "DOUBLE PRECISION", 0.10000000149011612),
    ("DOUBLE", "'nan'", "DOUBLE PRECISION", REFUSED),
    ("INTEGER", "1", "BOOLEAN", True),
    ("INTEGER", "2", "BOOLEAN", REFUSED),
    ("TIMESTAMP", "'2020-01-01 00:00:00'", "DATE", date(2020, 1, 1)),
    ("TIMESTAMP", "'2020-01-01 00:00:01'", "DATE", REFUSED),
    ("DATE", "'2020-01-01'", "TIMESTAMP", at(2020, 1, 1)),
    ("TIMESTAMPTZ", "'2020-01-01 10:00:00+02'", "TIMESTAMP", at(2020, 1, 1, 8)),
    ("TIMESTAMPTZ", "'infinity'", "TIMESTAMP", REFUSED),
    ("TIMESTAMP_NS", "'2020-01-01 10:00:00.123456'", "TIMESTAMP", at(2020, 1, 1, 10, 0, 0, 123456)),
    ("TIMESTAMP_NS", "'2020-01-01 10:00:00.123456789'", "TIMESTAMP", REFUSED),
    ("BIGINT", "9007199254740992", "DOUBLE PRECISION", 9007199254740992.0),
    ("BIGINT", "9007199254740993", "DOUBLE PRECISION", REFUSED),
    ("DECIMAL(38,2)", "12345678901234567890.12", "DOUBLE PRECISION", REFUSED),
    ("DECIMAL(9,3)", "12.345", "DOUBLE PRECISION", 12.345),
    ("FLOAT", "'-inf'", "REAL", REFUSED),
    ("FLOAT", "'nan'", "DECIMAL(5,2)", REFUSED),
    ("VARCHAR", "'nan'", "DOUBLE PRECISION", REFUSED),
    ("VARCHAR", "'né'", "CHAR(4)", REFUSED),
    ("VARCHAR", "'a' || chr(0) || 'b'", "VARCHAR(4)", REFUSED),
    ("UUID", "'6f1d7f60-2c3b-4c68-9b0e-2b8a3e7f0a11'", "CHAR(36)", "6f1d7f60-2c3b-4c68-9b0e-2b8a3e7f0a11"),
    ("TIME", "'12:30:00'", "TIMESTAMP", REFUSED),
    ("HUGEINT", "9223372036854775808", "BIGINT", REFUSED),
    ("TIMESTAMP", "'2020-01-01 10:00:00'", "TIMESTAMPTZ", "2020-01-01 10:00:00+00"),
    ("VARCHAR", "'2020-01-01T10:00:00+02:00'", "TIMESTAMP", at(2020, 1, 1, 8)),
    ("BIGINT", "123", "VARCHAR(3)", "123"),
    ("BIGINT", "1234", "VARCHAR(3)", REFUSED),
    ("BOOLEAN", "true", "VARCHAR(5)", "true"),
    ("DATE", "'2020-01-01'", "INTEGER", REFUSED),
]


@pytest.mark.parametrize(("source", "value", "target", "expected"), PARQUET_VALUES)
def test_typed_values_of_parquet(
    job: Any,
    contract_of: Callable[..., str],
    database: duckdb.DuckDBPyConnection,
    source: str,
    value: str,
    target: str,
    expected: Any,
) -> None:
    job.write({}, contract_of([{"name": "v", "physicalType": target}]))
    database.execute(
        f"COPY (SELECT CAST({value} AS {source}) AS v UNION ALL SELECT NULL) TO '{job.root}/source/x.parquet' "
    )
    result = job.run()
    assert result.code == 0, result.error
    assert sorted(result.staged, key=str) == sorted(
        [(None,)] if expected is REFUSED else [(expected,), (None,)], key=str
    )
    assert len(result.rejected) == (expected is REFUSED)


def test_a_column_of_parquet_has_its_own_type_wherever_it_stands_in_the_file(
    job: Any, contract_of: Callable[..., str]
) -> None:
    names = {"amount": "DECIMAL(5,2)", "count": "INTEGER"}
    job.write({}, contract_of([{"name": name, "physicalType": type_name} for name, type_name in names.items()]))
    duckdb.sql("SELECT [1, 2] AS other, '7' AS count, 1.1::DOUBLE AS amount").write_parquet(
        f"{job.root}/source/x.parquet"
    )
    result = job.run()
    assert result.code == 0, result.error
    assert result.staged == [(Decimal("1.10"), 7)]


def test_a_column_of_a_type_without_values_for_the_contract_is_refused_as_a_whole(
    job: Any, contract_of: Callable[..., str], tmp_path: Path
) -> None:
    for number, value in enumerate(["[1, 2]", "{'a': 1}", "MAP {'a': 1}", "'x'::BLOB"]):
        job.write({}, contract_of([{"name": "v"}]))
        duckdb.sql(f"SELECT {value} AS v").write_parquet(str(tmp_path / "source" / "x.parquet"))
        result = job.run(job_id=f"job-{number}")
        assert result.code == 1
        assert "column v of" in result.error
        assert "the contract asks for a VARCHAR(65535)" in result.error


def test_a_column_that_is_refused_as_a_whole_is_named_as_in_the_file(job: Any, contract_of: Callable[..., str]) -> None:
    job.write({}, contract_of([{"name": "v", "physicalName": "Value"}]))
    duckdb.sql('SELECT [1, 2] AS "Value"').write_parquet(f"{job.root}/source/x.parquet")
    result = job.run()
    assert result.code == 1
    file = f"{job.root}/source/x.parquet"
    assert result.error == f"error: column Value of {file} is a INTEGER[]; the contract asks for a VARCHAR(65535)\n"


def test_staged_rows_have_the_columns_of_the_contract_whatever_folder_they_are_in(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = tmp_path / "day=1" / "x.parquet"
    file.parent.mkdir()
    duckdb.sql("SELECT 5 AS v").write_parquet(str(file))
    item = DataObject("items", SOURCE, (Column("v", parse("INTEGER"), "v"),))
    found = database.execute(f"SELECT *, s.file_row_number AS number FROM {staged(item, [file])}")
    assert [name for name, *_ in found.description or ()] == ["c0", "number"]
    assert found.fetchall() == [(5, 0)]


def test_the_staged_types_are_those_of_the_contract(job: Any, contract_of: Callable[..., str]) -> None:
    columns = [
        {"name": f"c{n}", "logicalType": LOGICAL.get(name, "string"), "physicalType": name}
        for n, name in enumerate(TEXTS)
    ]
    header = ",".join(column["name"] for column in columns)
    job.clean({"x.csv": header.encode() + b"\n" + b"," * (len(columns) - 1) + b"\n"}, contract_of(columns))
    described = duckdb.sql(
        f"DESCRIBE FROM read_parquet('{job.root}/staged/*/*/*', hive_partitioning = false)"
    ).fetchall()
    assert [row[1] for row in described] == [
        *("SMALLINT", "BIGINT", "DECIMAL(5,2)", "DECIMAL(5,0)", "DOUBLE", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP"),
        *("TIMESTAMP WITH TIME ZONE", "VARCHAR", "VARCHAR"),
    ]


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("BIGINT", "1e5", 100_000),
        ("BIGINT", "9007199254740993.0", 2**53 + 1),
        ("BIGINT", "9.007199254740993e15", 2**53 + 1),
        ("BIGINT", "120e-1", 12),
        ("BIGINT", "1.5e0", REFUSED),
        ("BIGINT", "125e-2", REFUSED),
        ("BIGINT", "1e19", REFUSED),
        ("BIGINT", "1e9999", REFUSED),
        ("DECIMAL(18,8)", "1e-05", Decimal("0.00001")),
        ("DECIMAL(18,8)", "1e-09", REFUSED),
        ("DECIMAL(18,2)", "99999999999999.99", Decimal("99999999999999.99")),
        ("DECIMAL(18,2)", "1.2390e2", Decimal("123.90")),
        ("DECIMAL(18,2)", "1.2391e1", REFUSED),
        ("DECIMAL(38,0)", "1e37", Decimal(10) ** 37),
        ("VARCHAR(20)", "1.10", "1.10"),
        ("VARCHAR(20)", "1e5", "1e5"),
    ],
)
def test_a_json_number_is_taken_from_its_text(
    job: Any, contract_of: Callable[..., str], type_name: str, text: str, value: Any
) -> None:
    contract = contract_of([{"name": "id", "logicalType": "integer"}, {"name": "v", "physicalType": type_name}])
    lines = f'{{"id": 0, "v": {text}}}\n{{"id": 1}}\n'
    found, _ = values(job, contract, {"x.json": lines.encode()}, 2)
    assert found == [value, None]


@pytest.mark.parametrize("type_name", ["BIGINT", "DECIMAL(18,2)"])
def test_an_exponent_in_csv_is_what_a_spreadsheet_left_of_a_number(
    job: Any, contract_of: Callable[..., str], type_name: str
) -> None:
    contract = contract_of([{"name": "id", "logicalType": "integer"}, {"name": "v", "physicalType": type_name}])
    found, _ = values(job, contract, {"x.csv": b"id,v\n0,1.23457E+11\n1,5\n"}, 2)
    assert found == [REFUSED, 5]


SEPARATORS: list[tuple[str, str, str, list[Case]]] = [
    (",", "", "DECIMAL(9,2)", [("1,5", Decimal("1.50")), ("-7", Decimal(-7)), ("1.5", REFUSED), ("1,234", REFUSED)]),
    (
        ",",
        ".",
        "DECIMAL(9,2)",
        [
            *(("1.234,5", Decimal("1234.50")), ("1234,5", Decimal("1234.50")), (",5", Decimal("0.50"))),
            *(("1.234.567", Decimal(1234567)), ("-12", Decimal(-12)), ("+1.000", Decimal(1000))),
            *((text, REFUSED) for text in ("1.23", "12.34,5", "1.2345", "1,5.000", ".123", "1..000", "1234.567", "x")),
            *((text, REFUSED) for text in ("0.123", "0.500", "00.123", "-0.123", "012.345", "000.000")),
            *(("0,120", Decimal("0.12")), ("10.000", Decimal(10000)), ("0", Decimal(0))),
        ],
    ),
    (".", ",", "INTEGER", [("1,234", 1234), ("12,34", REFUSED), ("1,234.0", 1234), ("1,234.5", REFUSED)]),
    (".", "\u00a0", "BIGINT", [("1\u00a0234", 1234), ("1 234", REFUSED)]),
    (".", "'", "DOUBLE PRECISION", [("1'234.5", 1234.5), ("1.5e3", 1500.0), ("1'2", REFUSED)]),
    (",", " ", "REAL", [("1 234,5", 1234.5), ("1.5", REFUSED)]),
    (",", ".", "VARCHAR(9)", [("1.5", "1.5"), ("1,5", "1,5")]),
]


@pytest.mark.parametrize(("decimal", "thousands", "type_name", "cases"), SEPARATORS)
def test_separators_of_numbers(
    job: Any, contract_of: Callable[..., str], decimal: str, thousands: str, type_name: str, cases: list[Case]
) -> None:
    columns = [{"name": "id", "logicalType": "integer"}, {"name": "v", "physicalType": type_name}]
    dialect = {"decimalSeparator": decimal, "thousandsSeparator": thousands}
    contract = contract_of(columns, custom={"csv": dialect})
    found, _ = values(job, contract, file_of([text for text, _ in cases], "csv"), len(cases))
    assert dict(zip([text for text, _ in cases], found)) == dict(cases)


FORMATS: list[tuple[str, str, list[Case]]] = [
    ("DATE", "dd/MM/yyyy", [("31/01/2020", date(2020, 1, 31)), ("1/01/2020", REFUSED), ("2020-01-31", REFUSED)]),
    ("DATE", "d.M.yyyy", [("1.2.2020", date(2020, 2, 1)), ("01.02.2020", date(2020, 2, 1)), ("30.2.2020", REFUSED)]),
    ("DATE", "yyyyMMdd", [("20200229", date(2020, 2, 29)), ("20210229", REFUSED), ("00000101", REFUSED)]),
    ("DATE", "yyyyDDD", [("2020366", date(2020, 12, 31)), ("2021366", REFUSED), ("2021000", REFUSED)]),
    ("DATE", "dd MMM yyyy", [("05 Mar 2020", date(2020, 3, 5)), ("05 mar 2020", REFUSED), ("05 Foo 2020", REFUSED)]),
    (
        "TIMESTAMP",
        "dd/MM/yyyy HH:mm:ss.SSS",
        [("01/02/2020 10:20:30.005", at(2020, 2, 1, 10, 20, 30, 5000)), ("01/02/2020 24:00:00.000", REFUSED)],
    ),
    (
        "TIMESTAMP",
        "MM/dd/yyyy hh:mm a",
        [("02/01/2020 12:30 AM", at(2020, 2, 1, 0, 30)), ("02/01/2020 13:30 PM", REFUSED)],
    ),
    (
        "TIMESTAMP",
        "yyyy-MM-dd'T'HH:mmXXX",
        [("2020-01-01T10:00+02:00", at(2020, 1, 1, 8)), ("2020-01-01T10:00Z", at(2020, 1, 1, 10))],
    ),
    ("TIMESTAMPTZ", "yyyy/MM/dd HH:mm X", [("2020/01/01 10:00 +02", "2020-01-01 08:00:00+00"), ("x", REFUSED)]),
    (
        "TIMESTAMP",
        "yyyyMMdd HHmmXX",
        [("20200101 1000Z", at(2020, 1, 1, 10)), ("20200101 1000-0130", at(2020, 1, 1, 11, 30))],
    ),
    ("TIMESTAMPTZ", "yyyy/MM/dd HH:mm", [("2020/01/01 10:00", "2020-01-01 10:00:00+00")]),
]


@pytest.mark.parametrize("file_format", ["csv", "json"])
@pytest.mark.parametrize(("type_name", "pattern", "cases"), FORMATS)
def test_dates_in_a_format_of_their_own(
    job: Any, contract_of: Callable[..., str], type_name: str, pattern: str, cases: list[Case], file_format: str
) -> None:
    column = {"name": "v", "physicalType": type_name, "logicalTypeOptions": {"format": pattern}}
    if type_name == "TIMESTAMPTZ":
        column["logicalTypeOptions"] = {"format": pattern, "timezone": True}
    contract = contract_of([{"name": "id", "logicalType": "integer"}, column])
    found, reasons = values(job, contract, file_of([text for text, _ in cases], file_format), len(cases))
    assert dict(zip([text for text, _ in cases], found)) == dict(cases)
    assert reasons <= {f"not a {type_name}"}


def test_each_column_may_have_null_texts_of_its_own(job: Any, contract_of: Callable[..., str]) -> None:
    own = {"customProperties": [{"property": "nullValues", "value": ["-", "?"]}]}
    contract = contract_of(
        [{"name": "a"}, {"name": "b", **own}, {"name": "c", "logicalType": "integer", **own}], ["NA"]
    )
    result = job.clean({"x.csv": b"a,b,c\nNA,NA,?\n-,-,1\n,,-\n"}, contract)
    assert result.staged == [(None, "NA", None), ("-", None, 1), ("", "", None)]


def test_a_character_of_several_bytes_is_none_for_char(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([{"name": "id", "logicalType": "integer"}, {"name": "iso", "physicalType": "CHAR(4)"}])
    result = job.clean({"x.csv": "id,iso\n1,né\n2,NO\n".encode()}, contract)
    assert result.staged == [(2, "NO")]
    assert result.refused == [(2, "iso", "CHAR takes single-byte characters only")]


def test_a_nul_character_refuses_its_row_only(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([{"name": "id", "logicalType": "integer"}, {"name": "note", "physicalType": "VARCHAR(20)"}])
    job.write({"x.json": b'{"id":1,"note":"a\\u0000b"}\n{"id":2,"note":"good"}\n'}, contract)
    duckdb.sql("SELECT 3 AS id, 'a' || chr(0) AS note UNION ALL SELECT 4, 'b'").write_parquet(
        f"{job.root}/source/y.parquet"
    )
    result = job.run()
    assert result.staged == [(2, "good"), (4, "b")]
    assert [row[2:5] for row in result.rejected] == [(1, "note", wording.NUL), (1, "note", wording.NUL)]
    assert json.loads(result.rejected[1][5]) == {"id": 3, "note": "a\0"}


def test_the_raw_row_of_parquet_is_valid_json(job: Any, contract_of: Callable[..., str]) -> None:
    job.write({}, contract_of([{"name": "ratio", "physicalType": "DOUBLE PRECISION"}]))
    rows = (
        "SELECT CAST('nan' AS DOUBLE) AS ratio, [CAST('-inf' AS FLOAT), 1] AS list, 'NaN, \"Infinity\"' AS text, "
        "TIMESTAMP '2020-01-01 10:00:00' AS at, '\\xAA'::BLOB AS blob, 99999999999999.99::DECIMAL(18,2) AS amount, "
        "{'x': CAST('inf' AS DOUBLE)} AS part, CAST(NULL AS INTEGER) AS nothing "
        "UNION ALL SELECT 1, [], '', NULL, NULL, 0, NULL, 0"
    )
    duckdb.sql(rows).write_parquet(f"{job.root}/source/x.parquet")
    result = job.run()
    assert result.staged == [(1.0,)]
    assert result.refused == [(1, "ratio", "not a DOUBLE PRECISION")]

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(result.rejected[0][5], parse_constant=refuse, parse_float=Decimal) == {
        "ratio": "NaN",
        "list": ["-Infinity", 1],
        "text": 'NaN, "Infinity"',
        "at": "2020-01-01 10:00:00",
        "blob": "\\xAA",
        "amount": Decimal("99999999999999.99"),
        "part": {"x": "Infinity"},
        "nothing": None,
    }
