"""Definitions that AWS refuses for an expression, with its code, words and place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.jsonata.refused_definitions import problems
from pipeline_tools.crosscheck import template

MACHINES = Path(__file__).parents[4] / "infra/state_machines"
INVALID = "INVALID_JSONATA_EXPRESSION"
UNSUPPORTED = "UNSUPPORTED_JSONATA_EXPRESSION"


def machine(*states: dict[str, Any], language: str = "JSONata") -> dict[str, Any]:
    return {"QueryLanguage": language, "States": {f"S{number}": state for number, state in enumerate(states)}}


def said(definition: dict[str, Any]) -> list[str]:
    return [str(problem) for problem in problems(definition)]


@pytest.mark.parametrize("text", ["{% 1", "1 %}", " {% 1 %}", "{% 1 %} ", "{%", "{%}", "\n{% 1 %}"])
def test_an_expression_opens_and_closes_at_the_ends_of_its_text(text: str) -> None:
    refused = f"{INVALID}: An expression starts with '{{%' and ends with '%}}', with no spaces around them."

    assert said(machine({"Type": "Pass", "Output": {"a": [text]}})) == [f"{refused} at /States/S0/Output/a[0]"]
    assert said(machine({"Type": "Pass", "Result": text}, language="JSONPath")) == []
    assert said(machine({"Type": "Pass", "Output": f"- {text} -"})) == []


@pytest.mark.parametrize("text", [" {% 1 %} ", "\t{% phone %}\n", "- {% 1 %} -", "a {% b"])
def test_what_stands_inside_of_a_text_is_text(text: str) -> None:
    fields = {"Arguments": {"a": text}, "Output": [text], "Assign": {"a": {"b": text}}}
    assert said(machine({"Type": "Pass", **fields})) == []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$a ?? 1", f'{INVALID}: The symbol "?" cannot be used as a unary operator'),
        ("$a ?: 1", f'{INVALID}: The symbol ":" cannot be used as a unary operator'),
        ("1 +", f"{INVALID}: Unexpected end of expression"),
        ("", f"{INVALID}: Unexpected end of expression"),
        ("phone[1,2)", f'{INVALID}: Expected "]", got ","'),
        ("phone", f"{UNSUPPORTED}: Reference to 'phone' at the top level is not supported."),
        ("phone.number[0]", f"{UNSUPPORTED}: Reference to 'phone' at the top level is not supported."),
        ("$.phone", f"{UNSUPPORTED}: Reference to '$' at the top level is not supported."),
        ("$$.phone", f"{UNSUPPORTED}: Reference to '$$' is not supported."),
        (
            "$map($states.input, function($x) {b})",
            f"{UNSUPPORTED}: Reference to 'b' at the top level is not supported.",
        ),
        ("{aaa: 1}", f"{UNSUPPORTED}: Reference to 'aaa' at the top level is not supported."),
        ("($x := phone; 1)", f"{UNSUPPORTED}: Reference to 'phone' at the top level is not supported."),
        ("true ? 1 : phone", f"{UNSUPPORTED}: Reference to 'phone' at the top level is not supported."),
        ("phone ~> $string()", f"{UNSUPPORTED}: Reference to 'phone' at the top level is not supported."),
        ("$states.errorOutput.Cause", f"{UNSUPPORTED}: Field '$states.errorOutput' does not exist."),
    ],
)
def test_an_expression_is_refused(expression: str, expected: str) -> None:
    definition = machine({"Type": "Pass", "Output": {"v": f"{{% {expression} %}}"}})
    assert said(definition) == [f"{expected} at /States/S0/Output/v"]


@pytest.mark.parametrize(
    "expression",
    [
        "$states.input.phone",
        "$states.input.items[phone > 3].{'p': phone}",
        "$states.input.items^(phone){phone: $sum(n)}",
        "$map($states.input.a, function($x) {$x.phone})",
        "$phone",
        "$unknown()",
        "$states.input ~> |a|{'b': c}|",
        "'phone ?? number'",
    ],
)
def test_an_expression_is_accepted(expression: str) -> None:
    assert said(machine({"Type": "Pass", "Output": f"{{% {expression} %}}"})) == []


BAD = "{% bad %}"
INNER = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Output": BAD}}}


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"Output": {"a": {"b": [BAD]}}}, "Output/a/b[0]"),
        ({"Assign": {"Next": BAD}}, "Assign/Next"),
        ({"Arguments": {"Payload": {"Comment": BAD}}}, "Arguments/Payload/Comment"),
        ({"Choices": [{"Condition": "{% true %}"}, {"Condition": BAD}]}, "Choices[1]/Condition"),
        ({"Choices": [{"Assign": {"x": BAD}}]}, "Choices[0]/Assign/x"),
        ({"Catch": [{"Output": {"v": BAD}}]}, "Catch[0]/Output/v"),
        ({"Seconds": BAD}, "Seconds"),
        ({"Cause": BAD}, "Cause"),
        ({"Items": BAD}, "Items"),
        ({"TimeoutSeconds": BAD}, "TimeoutSeconds"),
        ({"Credentials": {"RoleArn": BAD}}, "Credentials/RoleArn"),
        ({"ItemBatcher": {"BatchInput": {"Comment": BAD}}}, "ItemBatcher/BatchInput/Comment"),
        ({"ItemReader": {"Arguments": {"Bucket": BAD}}}, "ItemReader/Arguments/Bucket"),
        ({"ItemProcessor": INNER}, "ItemProcessor/States/I/Output"),
        ({"Branches": [INNER]}, "Branches[0]/States/I/Output"),
    ],
)
def test_the_place_is_the_field(state: dict[str, Any], place: str) -> None:
    (problem,) = problems(machine(state))
    assert problem.location == f"/States/S0/{place}"


@pytest.mark.parametrize(
    "state",
    [
        {"Comment": BAD},
        {"Retry": [{"ErrorEquals": [BAD]}]},
        {"ItemReader": {"ReaderConfig": {"CSVHeaders": [BAD]}}},
        {"QueryLanguage": "JSONPath", "Parameters": {"v": BAD}},
        {"Catch": [{"Output": "{% $states.errorOutput %}", "Assign": {"a": "{% $states.errorOutput.Error %}"}}]},
    ],
)
def test_other_texts_are_texts(state: dict[str, Any]) -> None:
    assert said(machine(state)) == []


def test_each_name_is_reported_once() -> None:
    found = said(machine({"Output": "{% aaa + bbb + aaa %}"}))
    assert [problem.split("'")[1] for problem in found] == ["aaa", "bbb"]


@pytest.mark.parametrize("definition", [{}, {"States": []}, machine({"Choices": "x", "Branches": 1, "Output": None})])
def test_what_has_another_form_is_not_judged(definition: dict[str, Any]) -> None:
    assert said(definition) == []


@pytest.mark.parametrize("path", sorted(MACHINES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_pipelines_own_definitions_are_accepted(path: Path) -> None:
    for rendering in template.renderings(path.read_text(encoding="utf-8"), {}):
        definition = yaml.safe_load(rendering)
        assert definition["QueryLanguage"] == "JSONata"
        assert said(definition) == []
