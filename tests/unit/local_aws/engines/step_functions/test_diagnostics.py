"""Definitions that AWS refuses, and the words in which it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.engines.step_functions.diagnostics import Diagnostic, diagnose
from local_aws.errors import AwsError
from tests.unit.local_aws.engines.step_functions.conftest import ROLE, Functions

PASS = {"Type": "Pass", "End": True}
SCHEMA, TARGET = "SCHEMA_VALIDATION_FAILED", "MISSING_TRANSITION_TARGET"


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


REFUSED: list[tuple[str, Any, list[tuple[str, str, str | None]]]] = [
    ("no text", "", [(SCHEMA, "Definition must be a valid JSON object", None)]),
    ("a list", "[]", [(SCHEMA, "Definition must be a valid JSON object", None)]),
    ("nothing in it", {}, [(SCHEMA, "These fields are required: [States, StartAt]", "/")]),
    ("no start", {"States": {"A": PASS}}, [(SCHEMA, "These fields are required: [StartAt]", "/")]),
    ("no states", {"StartAt": "A", "States": {}}, [(SCHEMA, "Value cannot be empty", "/States")]),
    ("a state without a type", machine(A={"End": True}), [(SCHEMA, "These fields are required: [Type]", "/States/A")]),
    (
        "an unknown type",
        machine(A={"Type": "Loop", "End": True}),
        [
            (
                SCHEMA,
                "The field 'Type' should have one of these values: "
                "[Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
                "/States/A/Type",
            )
        ],
    ),
    (
        "no branches",
        machine(A={"Type": "Parallel", "Branches": [], "End": True}),
        [(SCHEMA, "Value cannot be empty", "/States/A/Branches")],
    ),
    (
        "JSONPath in a JSONata machine",
        {"QueryLanguage": "JSONata", **machine(A={**PASS, "QueryLanguage": "JSONPath"})},
        [
            (
                SCHEMA,
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
                "/States/A",
            )
        ],
    ),
    (
        "a time that is none",
        machine(A={"Type": "Wait", "Timestamp": "2016-12-05 21:29:29Z", "End": True}),
        [(SCHEMA, "String does not match RFC3339 timestamp", "/States/A/Timestamp")],
    ),
    (
        "credentials without a role",
        machine(A={"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Credentials": {}, "End": True}),
        [(SCHEMA, "The field 'RoleArn' is required but was missing", "/States/A/Credentials")],
    ),
    (
        "a target that is missing and a state that nothing leads to",
        machine(A={"Type": "Pass", "Next": "C"}, B=PASS),
        [
            (TARGET, "Missing 'Next' target: C", "/States/A/Next"),
            (TARGET, 'State "B" is not reachable.', "/States/B"),
        ],
    ),
    (
        "a start that is missing",
        {"StartAt": "X", "States": {"A": PASS}},
        [(TARGET, "Missing 'Next' target: X", "/StartAt"), (TARGET, 'State "A" is not reachable.', "/States/A")],
    ),
    (
        "targets of a choice",
        machine(
            A={
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "BooleanEquals": True, "Next": "X"}],
                "Default": "Y",
            },
            B=PASS,
        ),
        [
            (TARGET, "Missing 'Next' target: Y", "/States/A/Default"),
            (TARGET, "Missing 'Next' target: X", "/States/A/Choices[0]/Next"),
            (TARGET, 'State "B" is not reachable.', "/States/B"),
        ],
    ),
    (
        "a loop",
        machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
        [("MISSING_END_STATE", "Workflow has no terminal state", None)],
    ),
    (
        "a branch without a start",
        machine(A={"Type": "Parallel", "Branches": [{"States": {"B": PASS}}], "End": True}),
        [(SCHEMA, "These fields are required: [StartAt]", "/States/A/Branches[0]")],
    ),
]


@pytest.mark.parametrize(("definition", "found"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_said_as_aws_says_it(definition: Any, found: list[tuple[str, str, str | None]]) -> None:
    text = definition if isinstance(definition, str) else json.dumps(definition)

    assert diagnose(text, "STANDARD") == [Diagnostic(*one) for one in found]


def test_a_definition_that_is_no_json_names_the_word_and_the_place() -> None:
    (found,) = diagnose("not a definition", "STANDARD")

    place = '[Source: (String)"not a definition"; line: 1, column: 4]'
    expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
    assert found == Diagnostic(
        "INVALID_JSON_DESCRIPTION", f"Unrecognized token 'not': was expecting {expected}\n at {place}", place
    )


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", "'.waitForTaskToken' service integration "),
        ("arn:aws:states:::glue:startJobRun.sync", "'.sync' service integration"),
        ("arn:aws:states:::states:startExecution.sync:2", "'.sync' service integration"),
        ("arn:aws:states:us-east-1:000000000000:activity:a", "Activity ARN"),
    ],
)
def test_an_express_state_machine_does_not_wait_for_others(resource: str, message: str) -> None:
    definition = json.dumps(machine(A={"Type": "Task", "Resource": resource, "End": True}))

    assert diagnose(definition, "STANDARD") == []
    assert diagnose(definition, "EXPRESS") == [
        Diagnostic(SCHEMA, f"Express state machine does not support {message}", "/States/A/Resource")
    ]


def test_no_state_machine_is_made_or_changed_by_a_wrong_definition(functions: Functions) -> None:
    made = {"roleArn": ROLE, "definition": json.dumps(machine(A=PASS))}
    arn = functions.ask("CreateStateMachine", name="right", **made)["stateMachineArn"]
    wrong = json.dumps(machine(A={"Type": "Pass", "Next": "B"}))

    for operation, request in (
        ("CreateStateMachine", {"name": "wrong", "roleArn": ROLE, "definition": wrong}),
        ("UpdateStateMachine", {"stateMachineArn": arn, "definition": wrong}),
    ):
        with pytest.raises(AwsError, match=r"MISSING_TRANSITION_TARGET: Missing 'Next' target: B at") as error:
            functions.ask(operation, **request)
        assert error.value.code == "InvalidDefinition"
    assert json.loads(functions.ask("DescribeStateMachine", stateMachineArn=arn)["definition"]) == machine(A=PASS)


def test_validation_tells_all_and_makes_nothing(functions: Functions) -> None:
    answer = functions.ask("ValidateStateMachineDefinition", definition="{}", maxResults=0)

    assert answer == {
        "result": "FAIL",
        "diagnostics": [
            {
                "severity": "ERROR",
                "code": SCHEMA,
                "message": "These fields are required: [States, StartAt]",
                "location": "/",
            }
        ],
        "truncated": False,
    }
    assert functions.ask("ValidateStateMachineDefinition", definition=json.dumps(machine(A=PASS)))["result"] == "OK"
