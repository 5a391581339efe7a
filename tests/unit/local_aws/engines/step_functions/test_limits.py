"""What ends a state or an execution on AWS because of a number, a size or a request that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_facts import states_api
from aws_facts.jsonata import FIELD_LIMITS, number_refusal
from local_aws.errors import AwsError
from tests.unit.local_aws.engines.step_functions.conftest import ROLE, Functions

INNER = {"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}
MAP = {"Type": "Map", "Items": [1, 2], "ItemProcessor": INNER, "End": True}
WAIT = {"Type": "Wait", "End": True}
INVOKE = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "f"}, "End": True}
GET = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:getObject", "End": True}


@pytest.mark.parametrize(
    ("state", "field", "expression"),
    [
        (WAIT, "Seconds", "-1"),
        (WAIT, "Seconds", "0.5"),
        (WAIT, "Seconds", "100000000"),
        (MAP, "MaxConcurrency", "-1"),
        (MAP, "MaxConcurrency", "1.5"),
        (MAP, "ToleratedFailureCount", "-1"),
        (MAP, "ToleratedFailurePercentage", "101"),
        (INVOKE, "TimeoutSeconds", "0"),
        (INVOKE, "TimeoutSeconds", "1.5"),
    ],
)
def test_a_number_that_a_field_cannot_have_fails_its_state(
    functions: Functions, state: dict[str, Any], field: str, expression: str
) -> None:
    functions.answers["invoke"] = lambda _: {}
    described = functions.machine({"Only": {**state, field: f"{{% {expression} %}}"}}).run()
    assert (described["status"], described["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert f"'{expression}' specified for the field '{field}' returned {expression}. Expected" in described["cause"]


@pytest.mark.parametrize("field", FIELD_LIMITS)
def test_each_number_has_its_ends(field: str) -> None:
    least, most = FIELD_LIMITS[field]
    assert number_refusal(field, least) == ""
    assert number_refusal(field, least - 1)
    if most is not None:
        assert number_refusal(field, most) == ""
        assert number_refusal(field, most + 1)


def test_a_history_that_is_full_ends_its_execution(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states_api, "MOST_HISTORY_EVENTS", 50)
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "A"}], "Default": "C"}
    loop = {"A": {"Type": "Pass", "Next": "B"}, "B": choice, "C": {"Type": "Succeed"}}
    caught = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
    around = {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": loop}], "End": True, **caught}
    tolerant = {**MAP, "ItemProcessor": {"StartAt": "A", "States": loop}, "ToleratedFailurePercentage": "{% 100 %}"}
    for states in (loop, {"Around": around, "Caught": {"Type": "Succeed"}}, {"Tolerant": tolerant}):
        described = functions.machine(states, name=next(iter(states))).run()
        said = (described["status"], described["error"], described["cause"])
        assert said == ("FAILED", "States.Runtime", states_api.HISTORY_IS_FULL)
        history = functions.history(described["executionArn"])
        assert (len(history), history[-1]["id"], history[-1]["type"].value) == (50, 50, "ExecutionFailed")
        assert history[-1]["executionFailedEventDetails"]["error"] == "States.Runtime"


@pytest.mark.parametrize("given", [{"FunctionName": "f", "Nonsense": 1}, {"Payload": 1}])
def test_one_expression_for_all_arguments_gives_no_others_than_a_definition(
    functions: Functions, given: dict[str, Any]
) -> None:
    machine = functions.machine({"Only": {**INVOKE, "Arguments": "{% $states.input %}"}})
    described = machine.run(given)
    name = "The field 'Nonsense' is not supported by Step Functions"
    problem = name if "Nonsense" in given else "The field 'FunctionName' is required but was missing"
    parameters = json.dumps(given, separators=(",", ":"))
    assert (described["error"], described["cause"]) == (
        "States.Runtime",
        "An error occurred while executing the state 'Only' (entered at the event id #2). "
        f"The Parameters '{parameters}' could not be used to start the Task: [{problem}]",
    )
    assert "TaskScheduled" not in functions.types(described["executionArn"])


@pytest.mark.parametrize(
    ("member", "given"), [("Key", {"Bucket": "b", "Key": ""}), ("Bucket", {"Bucket": "", "Key": "k"})]
)
def test_a_request_has_its_place(functions: Functions, member: str, given: dict[str, str]) -> None:
    functions.answers["getObject"] = lambda _: b"a list"
    described = functions.machine({"Only": {**GET, "Arguments": given}}).run()
    assert (described["error"], described["cause"]) == ("S3.SdkClientException", f"{member} cannot be empty.")


def tags(count: int) -> list[dict[str, str]]:
    return [{"key": f"k{number}", "value": "v"} for number in range(count)]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (tags(51), "TooManyTags"),
        ([{"key": "k" * 129, "value": ""}], "ValidationException"),
        ([{"key": "", "value": ""}], "ValidationException"),
        ([{"key": "k", "value": "v" * 257}], "ValidationException"),
        ([{"key": "aws:k", "value": ""}], "ValidationException"),
    ],
)
def test_tags_that_a_state_machine_does_not_take(functions: Functions, given: Any, code: str) -> None:
    definition = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}})
    made = {"name": "m", "definition": definition, "roleArn": ROLE}
    with pytest.raises(AwsError) as refused:
        functions.ask("CreateStateMachine", **made, tags=given)
    assert refused.value.code == code
    arn = functions.ask("CreateStateMachine", **made, tags=tags(50))["stateMachineArn"]
    with pytest.raises(AwsError) as refused:
        functions.ask("TagResource", resourceArn=arn, tags=given)
    assert refused.value.code == code
    functions.ask("TagResource", resourceArn=arn, tags=tags(3))
