from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataset_contract import reading
from pipeline_tools.comparisons import judge
from pipeline_tools.comparisons.judge import BREAKS, HOLDS, NO_VERDICT, WARNS, JudgedPair

CASES, REASONS = judge.read_cases(judge.CASES)
CASE = JudgedPair(
    name="a case",
    format="csv",
    properties=[
        {"name": "id", "physicalName": "Id", "logicalType": "integer", "logicalTypeOptions": {"exclusiveMinimum": 0}},
        {"name": "note", "logicalType": "string", "quality": [{"id": "nulls", "metric": "nullValues", "mustBe": 0}]},
    ],
    data="Id,note\n1,a\n0,b\n3,\n",
    quality=[{"id": "rows", "metric": "rowCount", "mustBeLessThan": 1, "severity": "warning"}],
)


def check(name: str, result: str, **more: Any) -> dict[str, Any]:
    measured = {"diagnostics": {"value": 1}} if result in ("failed", "warning") else {}
    nothing = {"field": None, "qualityId": None, "reason": None, "diagnostics": None}
    return {**nothing, "type": name, "result": f"ResultEnum.{result}", **measured, **more}


def test_the_cases_are_at_least_thirty_and_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 30


def test_every_known_difference_has_a_reason_and_every_reason_a_case() -> None:
    assert {key for case in CASES for key in case.differs.values()} == set(REASONS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_reader_accepts_the_contract_and_its_rules_have_the_names_of_the_case(case: JudgedPair) -> None:
    source = reading.parse(case.document(Path("/data/items.csv"))).source
    named = {identifier for identifier, _, _ in case.quality_rules()}
    assert {rule.id for rule in source.rules if rule.metric != "latency"} <= named


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([check("field_minimum", "passed", field="Id")], {"id exclusiveMinimum": HOLDS}),
        (
            [check("field_minimum", "passed", field="Id"), check("field_not_equal", "failed", field="Id")],
            {"id exclusiveMinimum": BREAKS},
        ),
        ([check("field_required", "failed", field="note")], {"note required": BREAKS}),
        ([check("row_count", "warning", qualityId="rows")], {"rows": WARNS}),
        ([check("field_is_present", "failed", field="Id"), check("field_is_present", "passed")], {"columns": BREAKS}),
        ([check("servicelevel_freshness", "failed", field="at")], {"items.at.latency": BREAKS}),
        ([check("general", "failed", reason="Conversion Error: in line 3")], {"types": BREAKS}),
        ([check("schema", "failed", reason="data.id must be integer or null")], {"types": BREAKS}),
        ([check("schema", "failed", reason="data.id must be bigger than 0")], {}),
        ([check("field_type", "warning", diagnostics=None, reason="not supported yet")], {}),
        ([check("field_null_values", "failed", qualityId="nulls", diagnostics=None, reason="Duplicate column")], {}),
    ],
)
def test_their_checks_get_our_names(checks: list[dict[str, Any]], expected: dict[str, str]) -> None:
    assert judge.their_verdicts(CASE, checks) == {"types": HOLDS, **expected}


@pytest.mark.parametrize("name", ["lint", "general"])
def test_a_contract_that_they_cannot_judge_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="a case: datacontract-cli says: no such file"):
        judge.their_verdicts(CASE, [check(name, "failed", reason="no such file")])


def test_our_verdicts_come_from_a_run_of_the_job(tmp_path: Path) -> None:
    judge.write(CASE, tmp_path)
    assert judge.ours(CASE, tmp_path) == {
        "columns": HOLDS,
        "types": HOLDS,
        "id exclusiveMinimum": BREAKS,
        "nulls": BREAKS,
        "rows": WARNS,
    }


def test_a_missing_column_and_a_wrong_type_are_told_apart(tmp_path: Path) -> None:
    missing = replace(CASE, data="Id\n1\n")
    judge.write(missing, tmp_path / "missing")
    assert judge.ours(missing, tmp_path / "missing")["columns"] == BREAKS
    wrong = replace(CASE, data="Id,note\n1,a\nx,b\n")
    judge.write(wrong, tmp_path / "wrong")
    verdicts = judge.ours(wrong, tmp_path / "wrong")
    assert (verdicts["columns"], verdicts["types"]) == (HOLDS, BREAKS)


def test_equal_verdicts_are_as_listed() -> None:
    outcome = judge.compare(CASE, {"a": HOLDS, "b": BREAKS, "ours": HOLDS}, {"a": HOLDS, "b": BREAKS}, {})
    assert outcome.is_as_listed
    assert outcome.agreed == {"a": HOLDS, "b": BREAKS}
    assert outcome.alone == ["ours"]


@pytest.mark.parametrize(
    ("ours", "theirs", "differs", "as_listed"),
    [
        ({"a": HOLDS}, {"a": BREAKS}, {}, False),
        ({"a": HOLDS}, {"a": BREAKS}, {"a": "why"}, True),
        ({"a": WARNS}, {"a": BREAKS}, {"a": "no such reason"}, False),
        ({"a": HOLDS}, {"a": HOLDS}, {"a": "why"}, False),
        ({}, {"a": HOLDS}, {}, False),
    ],
)
def test_a_difference_has_to_be_listed_and_a_listed_one_found(
    ours: dict[str, str], theirs: dict[str, str], differs: dict[str, str], as_listed: bool
) -> None:
    outcome = judge.compare(replace(CASE, differs=differs), ours, theirs, {"why": "because"})
    assert outcome.is_as_listed is as_listed
    report = "\n".join(judge.table([outcome]))
    assert report.startswith("ok " if as_listed else "NOT")
    assert ("because" in report) is as_listed


def test_a_rule_that_we_do_not_judge_is_told() -> None:
    (difference,) = judge.compare(CASE, {}, {"a": HOLDS}, {}).differences
    assert (difference.ours, difference.theirs) == (NO_VERDICT, HOLDS)
