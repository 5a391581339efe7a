from __future__ import annotations

import pytest

from dataset_contract.errors import shown
from pipeline_tools.datasets import odcs, strict_yaml

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
name: orders
version: "1.0.0"
status: active
schema:
  - name: orders
    logicalType: object
    properties:
      - {name: id, logicalType: integer, physicalType: INTEGER, required: true, logicalTypeOptions: {minimum: 1.5}}
      - name: state
        logicalType: string
        quality:
          - metric: invalidValues
            arguments: {validValues: [a, b]}
            mustBe: 0
"""
ID, RULE = "schema[0].properties[0]", "schema[0].properties[1].quality[0]"


def found(old: str, new: str) -> list[str]:
    assert old in CONTRACT
    document = strict_yaml.read(CONTRACT.replace(old, new, 1))
    return [f"{problem.line}: {shown(problem.place)}: {problem.text}" for problem in odcs.problems(document)]


def test_a_good_contract_has_no_problem() -> None:
    assert found("id: orders", "id: orders") == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: DataContract", "kind: Nope", '2: kind: is "Nope"; accepted: DataContract'),
        ("v3.1.0", "v9.9.9", '1: apiVersion: is "v9.9.9"; accepted: v3.2.0, v3.1.0, v3.0.2, v3.0.1, v3.0.0'),
        ("kind: DataContract\n", "", "1: kind: is missing"),
        ('"1.0.0"', "1.0", '5: version: is 1.0; accepted: a text; quote it: "1.0"'),
        ("status: active", "status: {a: b}", '6: status: is {"a": "b"}; accepted: a text'),
        (
            "status: active",
            "statuss: active",
            "6: statuss: is not known here; did you mean status? accepted: apiVersion,",
        ),
        ("required:", "requried:", f"11: {ID}.requried: is not known here; did you mean required? accepted: "),
        ("required: true", 'required: "yes"', f'11: {ID}.required: is "yes"; accepted: true or false'),
        ("minimum: 1.5", "minimum: abc", f'11: {ID}.logicalTypeOptions.minimum: is "abc"; accepted: a number'),
        ("minimum: 1.5", "minLength: 1", f"11: {ID}.logicalTypeOptions.minLength: is not known here; "),
        ("logicalType: integer, ", "", f"11: {ID}.logicalType: is missing"),
        ("logicalType: integer, ", "logicalType: int, ", f'11: {ID}.logicalType: is "int"; accepted: string, date, '),
        ("- {name: id, ", "- {", f"11: {ID}.name: is missing"),
        ("metric: invalidValues", "metric: foo", f'15: {RULE}.metric: is "foo"; accepted: nullValues, missingValues'),
        ("mustBe: 0", "mustBeLessThan: abc", f'17: {RULE}.mustBeLessThan: is "abc"; accepted: a number'),
        ("mustBe: 0", "mustBeBetween: [1]", f"17: {RULE}.mustBeBetween: is [1]; accepted: 2 values or more"),
        ("            mustBe: 0\n", "", f"15: {RULE}: has no operator; accepted: one of mustBe, mustNotBe, "),
        ("mustBe: 0", "mustBe: 0\n            mustNotBe: 1", f"15: {RULE}: has mustBe and mustNotBe; accepted: one of"),
        ("metric: invalidValues", "type: sql", f"15: {RULE}.query: is missing"),
        (
            "metric: invalidValues",
            "schedule: 5\n            metric: invalidValues",
            f'15: {RULE}.schedule: is 5; accepted: a text; quote it: "5"',
        ),
        (
            "    logicalType: object\n",
            "    relationships: [{from: a, to: b.c}]\n",
            '9: schema[0].relationships[0].from: is "a"; accepted: a text that matches ',
        ),
        (
            "status: active",
            "slaProperties: [{property: latency, value: [4]}]",
            "6: slaProperties[0].value: is [4]; accepted: a text or a number or a whole number or true or false",
        ),
    ],
)
def test_a_problem_names_line_element_and_what_is_accepted(old: str, new: str, told: str) -> None:
    (only,) = found(old, new)
    assert only.startswith(told)


def test_all_problems_are_reported_in_the_order_of_the_text() -> None:
    several = found('version: "1.0.0"', "version: 1\ntags: x\nfoo: z")
    assert [line.split(":")[0] for line in several] == ["5", "6", "7"]


def test_a_property_may_leave_its_logical_type_out() -> None:
    assert found("        logicalType: string\n", "        physicalType: VARCHAR(8)\n") == []
