"""Set rules: measured over the staged rows, their verdicts in the manifest, and what halts."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable

import duckdb
import pytest

from dataset_contract.model import SOURCE, DataObject, SetRule
from glue_python_job.cleaning.measures import Measurer
from glue_python_job.cleaning.outcome import Counts, Outcome

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "kind", "logicalType": "string"},
    {"name": "at", "logicalType": "timestamp"},
]
# Five good rows, and one that is refused.
ROWS = b"""id,kind,at
1,a,2024-05-01T09:00:00Z
2,b,2024-04-30T10:00:00Z
2,b,
3,,2024-05-01T09:59:59.5Z
4,N/A,2024-05-01T11:00:00+02:00
x,a,2024-05-01T10:00:00Z
"""


def with_rule(column: str, rule: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**each, "quality": [rule]} if each["name"] == column else each for each in COLUMNS]


def sql(query: str) -> dict[str, Any]:
    return {"type": "sql", "query": query, "mustBe": 5}


CASES: list[tuple[str, dict[str, Any], str | None, bool]] = [
    ("kind", {"metric": "nullValues", "mustBeLessThan": 2}, "1", True),
    ("kind", {"metric": "nullValues", "mustBe": 20, "unit": "percent"}, "20", True),
    ("kind", {"metric": "nullValues", "mustBeLessThan": 20, "unit": "percent"}, "20", False),
    ("id", {"metric": "nullValues", "mustBeGreaterThan": 0}, "0", False),
    ("kind", {"metric": "missingValues", "mustBe": 2, "arguments": {"missingValues": [None, "N/A"]}}, "2", True),
    ("kind", {"metric": "missingValues", "mustBe": 1, "arguments": {"missingValues": ["N/A", "-"]}}, "1", True),
    ("kind", {"metric": "invalidValues", "mustBe": 2, "arguments": {"validValues": ["a", "N/A"]}}, "2", True),
    ("kind", {"metric": "invalidValues", "mustBe": 2, "arguments": {"validValues": ["a", "b"]}}, "1", False),
    ("kind", {"metric": "invalidValues", "mustBe": 1, "arguments": {"pattern": "^[a-z]$"}}, "1", True),
    ("kind", {"metric": "duplicateValues", "mustBe": 1}, "1", True),
    ("id", {"metric": "duplicateValues", "mustBeBetween": [2, 3]}, "1", False),
    ("at", {"metric": "duplicateValues", "mustBe": 1}, "1", True),
    ("", {"metric": "duplicateValues", "mustBe": 1, "arguments": {"properties": ["kind", "id"]}}, "1", True),
    ("", {"metric": "rowCount", "mustBe": 5}, "5", True),
    ("", {"metric": "rowCount", "mustBeGreaterThan": 5}, "5", False),
    ("", sql("SELECT count(*) FROM ${object}"), "5", True),
    ("kind", sql("SELECT 1 + count(${column}) FROM items"), "5", True),
    ("", sql("WITH x AS (SELECT max(id) AS m FROM items) SELECT m * 1.25 FROM x"), "5", True),
    ("", sql("SELECT avg(id) FROM items"), "2.4", False),
    ("", sql("SELECT NULL"), None, False),
    ("", sql("SELECT id FROM items WHERE id > 100"), None, False),
]


@pytest.mark.parametrize(("column", "rule", "measured", "passed"), CASES)
def test_a_rule_is_measured_over_the_good_rows(
    job: Any, contract_of: Callable[..., str], column: str, rule: dict[str, Any], measured: str | None, passed: bool
) -> None:
    told = {**rule, "severity": "warning", "id": "the rule"}
    contract = contract_of(with_rule(column, told), quality=[] if column else [told])
    result = job.clean({"x.csv": ROWS}, contract)
    (verdict,) = result.manifest["rules"]
    assert (verdict["measured"], verdict["passed"]) == (measured, passed)
    assert {name: verdict[name] for name in ("number", "rule", "object", "severity")} == {
        "number": 0,
        "rule": "the rule",
        "object": "items",
        "severity": "warning",
    }
    assert [line["rule"] for line in result.logs if line["message"] == "rule broken"] == ["the rule"] * (not passed)


def test_a_metric_is_not_taken_for_another_one(tmp_path: Path) -> None:
    rule = SetRule("items.median", "items", "medianValue", "mustBe", (Decimal(0),))
    outcome = Outcome(Counts(1, 1), [], [], [], [], {})
    with duckdb.connect() as connection:
        measurer = Measurer(connection, 2**27, tmp_path, datetime(2026, 1, 1, tzinfo=timezone.utc))
        with pytest.raises(NotImplementedError, match="medianValue"):
            measurer.verdicts(DataObject("items", SOURCE, (), rules=(rule,)), outcome)


@pytest.mark.parametrize(("value", "unit", "passed"), [(1, "s", True), (0.4, "s", False), (1, "d", True)])
def test_the_age_of_the_newest_row(
    job: Any, contract_of: Callable[..., str], value: float, unit: str, passed: bool
) -> None:
    agreed = [{"property": "latency", "value": value, "unit": unit, "element": "items.at"}]
    severity = {"customProperties": [{"property": "severity", "value": "warning"}]}
    result = job.clean({"x.csv": ROWS}, contract_of(COLUMNS, slaProperties=[{**agreed[0], **severity}]))
    (verdict,) = result.manifest["rules"]
    assert (verdict["measured"], verdict["passed"]) == ("0.5", passed)


def test_of_no_timestamp_there_is_no_age(job: Any, contract_of: Callable[..., str]) -> None:
    agreed = [{"property": "latency", "value": 1, "unit": "d", "element": "items.at"}]
    result = job.halt({"x.csv": b"id,kind,at\n1,a,\n"}, contract_of(COLUMNS, slaProperties=agreed))
    assert "latency of at gave no value" in result.error


def test_a_date_is_as_old_as_its_midnight(job: Any, contract_of: Callable[..., str]) -> None:
    agreed = [{"property": "freshness", "value": 10, "unit": "h", "element": "items.d"}]
    columns = [{"name": "d", "logicalType": "date"}]
    result = job.clean({"x.csv": b"d\n2024-05-01\n2023-01-01\n"}, contract_of(columns, slaProperties=agreed))
    assert [verdict["measured"] for verdict in result.manifest["rules"]] == ["36000"]


@pytest.mark.parametrize(
    ("rule", "measured", "passed"),
    [
        ({"mustBeLessOrEqualTo": 1}, "1", True),
        ({"mustBeLessThan": 17, "unit": "percent"}, "16.666667", True),
        ({"mustBe": 0}, "1", False),
    ],
)
def test_refused_rows_are_judged_against_the_rows_that_came_in(
    job: Any, contract_of: Callable[..., str], rule: dict[str, Any], measured: str, passed: bool
) -> None:
    contract = contract_of(COLUMNS, custom={"rejectedRows": {**rule, "severity": "warning"}})
    (verdict,) = job.clean({"x.csv": ROWS}, contract).manifest["rules"]
    assert (verdict["metric"], verdict["measured"], verdict["passed"]) == ("rejectedRows", measured, passed)


def test_a_broken_rule_of_severity_error_halts_before_anything_is_staged(
    job: Any, contract_of: Callable[..., str]
) -> None:
    quality = [{"metric": "rowCount", "mustBeGreaterThan": 10, "id": "enough"}]
    contract = contract_of(COLUMNS, custom={"rejectedRows": {"mustBe": 0}}, quality=quality)
    result = job.halt({"x.csv": ROWS}, contract)
    assert result.error == (
        "error: 2 rules are broken: items: rowCount is 5, expected mustBeGreaterThan 10 rows (rule enough); "
        "items: rejectedRows is 1, expected mustBe 0 rows (rule items.rejectedRows)\n"
    )
    assert len(result.rejected) == 1
    failure = result.failure
    assert [(rule["number"], rule["rule"], rule["passed"]) for rule in failure["rules"]] == [
        (0, "enough", False),
        (1, "items.rejectedRows", False),
    ]
    assert (failure["rows_in"], failure["rows_out"], failure["rows_rejected"]) == (6, 0, 1)
    assert failure["files_in"][0]["rows"] == 6
    assert failure["rejected_files"][0]["rows"] == 1


def test_the_error_of_an_earlier_attempt_goes_when_the_stage_succeeds(
    job: Any, contract_of: Callable[..., str]
) -> None:
    strict = contract_of(COLUMNS, quality=[{"metric": "rowCount", "mustBe": 9}])
    assert job.halt({"x.csv": ROWS}, strict).failure
    assert not job.clean({"x.csv": ROWS}, contract_of(COLUMNS)).failure


def test_the_rules_of_references_are_judged_too(job: Any, contract_of: Callable[..., str]) -> None:
    enough = [{"metric": "rowCount", "mustBe": 3}]
    references = {"stores": {"properties": [{"name": "id", "logicalType": "integer"}], "quality": enough}}
    contract = contract_of(COLUMNS, quality=[{"metric": "rowCount", "mustBe": 5}], references=references)
    error = job.fail({"x.csv": ROWS, "reference/stores/x.csv": b"id\n1\n"}, contract)
    assert error == "error: 1 rule is broken: stores: rowCount is 1, expected mustBe 3 rows (rule stores.rowCount)\n"
    result = job.clean({"x.csv": ROWS, "reference/stores/x.csv": b"id\n1\n2\n3\n"}, contract)
    assert [(rule["number"], rule["object"]) for rule in result.manifest["rules"]] == [(0, "items"), (1, "stores")]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT id FROM items", "gives more than one row"),
        ("SELECT 1, 2", "gives 2 columns"),
        ("SELECT 'x'", "gives 'x', which is not a number"),
        ("SELECT date '2024-01-01'", "gives '2024-01-01', which is not a number"),
        ("SELECT count(*) > 1 FROM items", "gives 'True', which is not a number"),
        ("SELECT CAST('nan' AS DOUBLE)", "gives 'nan', which is not a number"),
        ("SELECT CAST('-inf' AS DOUBLE)", "gives '-inf', which is not a number"),
        ("SELECT nothing FROM items", "fails: "),
        ("SELECT 1 FROM others", "fails: "),
        ("SELECT count(*) FROM read_csv('/etc/passwd')", "fails: "),
        ("SELECT count(*) FROM glob('/etc/*')", "fails: "),
        ("WITH x AS (SELECT 1) INSERT INTO items FROM x", "is not one SELECT"),
        ("SELECT count(*) FROM duplicate", "fails: "),
    ],
)
def test_a_query_that_cannot_be_measured_is_named(
    job: Any, contract_of: Callable[..., str], query: str, told: str
) -> None:
    contract = contract_of(COLUMNS, quality=[{"type": "sql", "query": query, "mustBe": 1, "id": "mine"}])
    result = job.halt({"x.csv": ROWS}, contract)
    assert f"error: the query of rule mine {told}" in result.error
    assert len(result.rejected) == 1


def test_duplicates_are_counted_in_shares(
    job: Any, contract_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from glue_python_job.cleaning import measures

    monkeypatch.setattr(measures, "ROWS_PER_PASS", 100)
    lines = "".join(f"{number % 700},{number},\n" for number in range(1_000))
    rule = {"metric": "duplicateValues", "mustBe": 300}
    result = job.clean({"x.csv": f"id,kind,at\n{lines}".encode()}, contract_of(with_rule("id", rule)))
    assert [verdict["measured"] for verdict in result.manifest["rules"]] == ["300"]
