"""Which values are good, for each type and rule: the same texts in CSV and in JSON lines, and typed ones in Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest


def at(*parts: int) -> datetime:
    """A timestamp without time zone, as TIMESTAMP is."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


Case = tuple[str, Any]  # a text, and its value or REFUSED
REFUSED = object()

TEXTS: dict[str, Sequence[Case]] = {
    "SMALLINT": [
        *(("0", 0), ("-32768", -32768), ("32767", 32767), ("+5", 5), ("007", 7), (" 5 ", 5), ("1.0", 1), ("5.", 5)),
        *((text, REFUSED) for text in ("32768", "-32769", "1.5", ".5", "1e3", "0x10", "1_000", "1,0", "-", "x", "٣")),
        *((text, REFUSED) for text in ("true", "--5", "- 5", "1.0e0", "NaN", "0b1")),
    ],
    "BIGINT": [
        *(("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63))),
        *((text, REFUSED) for text in ("9223372036854775808", "123456789012345678.4")),
    ],
    "DECIMAL(5,2)": [
        *(("999.99", Decimal("999.99")), ("-1.5", Decimal("-1.50")), ("7", Decimal("7.00")), ("+.5", Decimal("0.50"))),
        *(("1.2300", Decimal("1.23")), (" 5. ", Decimal("5.00")), ("00.10", Decimal("0.10"))),
        *((text, REFUSED) for text in ("1000", "1.239", "999.995", ".123", "1e2", "1_0", "nan", ".", "1.2.3")),
    ],
    "DECIMAL(5,0)": [("12", Decimal(12)), ("12.0", Decimal(12)), ("12.5", REFUSED), (".", REFUSED)],
    "DOUBLE PRECISION": [
        *(("1.5", 1.5), ("1e3", 1000.0), ("-.5", -0.5), ("5.", 5.0), (" 2 ", 2.0), ("1e-400", 0.0)),
        *((text, REFUSED) for text in ("nan", "inf", "-Infinity", "1e400", "1_0.5", "1,5", "0x1p3", "x", "1.5f")),
    ],
    "REAL": [("0.5", 0.5), ("3e38", 3.0000000054977558e38), ("1e39", REFUSED), ("x", REFUSED)],
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
            ("2013-01-01T10:00:00.1234569Z", at(2013, 1, 1, 10, 0, 0, 123456)),
        ),
        *(
            (text, REFUSED)
            for text in ("2013-02-30T10:00:00Z", "2013-01-01T25:00:00", "1357034400", "epoch", "infinity")
        ),
        *((text, REFUSED) for text in ("2013/01/01 10:00", "0000-01-01T00:00:00Z", "2013-01-01Tx", "20130101T100000Z")),
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


RULES: list[tuple[str, dict[str, Any], str, list[str], list[str]]] = [
    ("integer", {"logicalTypeOptions": {"minimum": 3}}, "minimum 3", ["3", "4"], ["2", "-9"]),
    ("integer", {"logicalTypeOptions": {"maximum": 3}}, "maximum 3", ["3", "-4"], ["4"]),
    ("integer", {"logicalTypeOptions": {"exclusiveMinimum": 3}}, "exclusiveMinimum 3", ["4"], ["3", "2"]),
    ("integer", {"logicalTypeOptions": {"exclusiveMaximum": 3}}, "exclusiveMaximum 3", ["2"], ["3", "4"]),
    ("integer", {"physicalType": "SMALLINT", "logicalTypeOptions": {"maximum": 99999}}, "", ["32767"], []),
    ("number", {"logicalTypeOptions": {"minimum": 0.1}}, "minimum 0.1", ["0.1", "1"], ["0.09999"]),
    (
        "number",
        {"physicalType": "DECIMAL(9,3)", "logicalTypeOptions": {"maximum": 1.005}},
        "maximum 1.005",
        ["1.005"],
        ["1.006"],
    ),
    ("date", {"logicalTypeOptions": {"minimum": "2020-01-02"}}, "minimum 2020-01-02", ["2020-01-02"], ["2020-01-01"]),
    (
        "timestamp",
        {"logicalTypeOptions": {"exclusiveMaximum": "2020-01-01T00:00:00Z"}},
        "exclusiveMaximum 2020-01-01T00:00:00Z",
        ["2019-12-31T23:59:59Z", "2020-01-01T01:00:00+02:00"],
        ["2020-01-01T00:00:00Z"],
    ),
    ("string", {"logicalTypeOptions": {"minLength": 2}}, "minLength 2", ["ab", "éé"], ["a", "é"]),
    ("string", {"logicalTypeOptions": {"maxLength": 2}}, "maxLength 2", ["ab", "éé"], ["abc", "ééé"]),
    ("string", {"physicalType": "VARCHAR(4)"}, "longer than VARCHAR(4)", ["abcd", "éé"], ["abcde", "ééé"]),
    ("string", {"physicalType": "CHAR(1)"}, "longer than CHAR(1)", ["a"], ["ab", "é"]),
    ("string", {"logicalTypeOptions": {"pattern": "^[A-Z]{2}$"}}, "pattern ^[A-Z]{2}$", ["AB"], ["ab", "ABC", "AB\n"]),
    ("string", {"logicalTypeOptions": {"pattern": "o'c"}}, "pattern o'c", ["3 o'clock"], ["oc"]),
    (
        "string",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["A", "it's"]}}]},
        "validValues",
        ["A", "it's"],
        ["a", "B"],
    ),
    (
        "integer",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [1, -2]}}]},
        "validValues",
        ["1", "-2", "+1"],
        ["2"],
    ),
    (
        "date",
        {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["2020-01-01"]}}]},
        "validValues",
        ["2020-01-01"],
        ["2020-01-02"],
    ),
]


@pytest.mark.parametrize("file_format", ["csv", "json"])
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
) -> None:
    contract = contract_of(
        [{"name": "id", "logicalType": "integer"}, {"name": "v", "logicalType": logical_type, **more}]
    )
    found, reasons = values(job, contract, file_of(good + bad, file_format), len(good + bad))
    assert [value is REFUSED for value in found] == [False] * len(good) + [True] * len(bad)
    assert reasons == ({reason} if bad else set())


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
    assert result.refused == [(3, "needed", "required")]


def test_the_first_reason_in_the_order_of_the_contract_is_given(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of(
        [
            {"name": "a", "logicalType": "integer", "logicalTypeOptions": {"minimum": 3}},
            {"name": "b", "logicalType": "integer", "required": True},
        ]
    )
    result = job.clean({"x.csv": b"b,a\n,1\n,x\n,\n"}, contract)
    assert result.refused == [(2, "a", "minimum 3"), (3, "a", "not a BIGINT"), (4, "b", "required")]


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
    ("DOUBLE", "0.1", "REAL", 0.10000000149011612),
    ("DOUBLE", "1e300", "REAL", REFUSED),
    ("DOUBLE", "'nan'", "DOUBLE PRECISION", REFUSED),
    ("INTEGER", "1", "BOOLEAN", True),
    ("INTEGER", "2", "BOOLEAN", REFUSED),
    ("TIMESTAMP", "'2020-01-01 00:00:00'", "DATE", date(2020, 1, 1)),
    ("TIMESTAMP", "'2020-01-01 00:00:01'", "DATE", REFUSED),
    ("DATE", "'2020-01-01'", "TIMESTAMP", at(2020, 1, 1)),
    ("TIMESTAMPTZ", "'2020-01-01 10:00:00+02'", "TIMESTAMP", at(2020, 1, 1, 8)),
    ("TIMESTAMPTZ", "'infinity'", "TIMESTAMP", REFUSED),
    ("TIMESTAMP_NS", "'2020-01-01 10:00:00.123456789'", "TIMESTAMP", at(2020, 1, 1, 10, 0, 0, 123456)),
    ("TIMESTAMP", "'2020-01-01 10:00:00'", "TIMESTAMPTZ", "2020-01-01 10:00:00+00"),
    ("VARCHAR", "'2020-01-01T10:00:00+02:00'", "TIMESTAMP", at(2020, 1, 1, 8)),
    ("BIGINT", "123", "VARCHAR(3)", "123"),
    ("BIGINT", "1234", "VARCHAR(3)", REFUSED),
    ("BOOLEAN", "true", "VARCHAR(5)", "true"),
    ("DATE", "'2020-01-01'", "INTEGER", REFUSED),
]


@pytest.mark.parametrize(("source", "value", "target", "expected"), PARQUET_VALUES)
def test_typed_values_of_parquet(
    job: Any, contract_of: Callable[..., str], source: str, value: str, target: str, expected: Any
) -> None:
    column = {"name": "v", "logicalType": LOGICAL.get(target, "string"), "physicalType": target}
    if target == "INTEGER":
        column["logicalType"] = "integer"
    job.write({}, contract_of([column]))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"COPY (SELECT CAST({value} AS {source}) AS v UNION ALL SELECT NULL) TO '{job.root}/source/x.parquet' "
        )
    result = job.run()
    assert result.code == 0, result.error
    assert sorted(result.staged, key=str) == sorted(
        [(None,)] if expected is REFUSED else [(expected,), (None,)], key=str
    )
    assert len(result.rejected) == (expected is REFUSED)


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


def test_the_staged_types_are_those_of_the_contract(job: Any, contract_of: Callable[..., str]) -> None:
    columns = [
        {"name": f"c{n}", "logicalType": LOGICAL.get(name, "string"), "physicalType": name}
        for n, name in enumerate(TEXTS)
    ]
    header = ",".join(column["name"] for column in columns)
    job.clean({"x.csv": header.encode() + b"\n" + b"," * (len(columns) - 1) + b"\n"}, contract_of(columns))
    described = duckdb.sql(f"DESCRIBE FROM read_parquet('{job.root}/staged/*/*', hive_partitioning = false)").fetchall()
    assert [row[1] for row in described] == [
        *("SMALLINT", "BIGINT", "DECIMAL(5,2)", "DECIMAL(5,0)", "DOUBLE", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP"),
        *("TIMESTAMP WITH TIME ZONE", "VARCHAR", "VARCHAR"),
    ]


def test_a_pattern_that_the_engine_does_not_know_is_named(job: Any, contract_of: Callable[..., str]) -> None:
    contract = contract_of([{"name": "code", "logicalTypeOptions": {"pattern": "(?=x)"}}])
    error = job.fail({"x.csv": b"code\nx\n"}, contract)
    assert "pattern '(?=x)' of contract column code" in error
    assert "RE2" in error
