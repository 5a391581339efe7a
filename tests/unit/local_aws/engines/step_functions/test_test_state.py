"""TestState: a state by itself, mocked or not, and what the inspection of it shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.errors import AwsError
from tests.unit.local_aws.engines.step_functions.conftest import ROLE, Functions

INVOKE = "arn:aws:states:::lambda:invoke"
TASK: dict[str, Any] = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName.$": "$.f"}, "End": True}
JSONATA_TASK: dict[str, Any] = {
    "Type": "Task",
    "QueryLanguage": "JSONata",
    "Resource": INVOKE,
    "Arguments": {"FunctionName": "{% $states.input.f %}"},
    "End": True,
}
PROCESSOR: dict[str, Any] = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
MAP: dict[str, Any] = {"Type": "Map", "ItemsPath": "$.l", "ItemProcessor": PROCESSOR, "End": True}
ERROR = {"errorOutput": {"error": "My.Error", "cause": "so"}}


def answer(functions: Functions, state: Any, value: Any = None, **request: Any) -> dict[str, Any]:
    definition = state if isinstance(state, str) else json.dumps(state)
    document = json.dumps({} if value is None else value)
    return functions.ask("TestState", definition=definition, input=document, **request)


def result(value: Any, **mock: Any) -> dict[str, Any]:
    return {"result": json.dumps(value), **mock}


def inspected(functions: Functions, state: Any, value: Any = None, **request: Any) -> dict[str, Any]:
    shown = answer(functions, state, value, inspectionLevel="TRACE", **request)["inspectionData"]
    return {name: json.loads(one) if isinstance(one, str) else one for name, one in shown.items()}


PASS_DATA = {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("state", "output", "shown"),
    [
        (
            {"Type": "Pass", "End": True},
            PASS_DATA,
            dict.fromkeys(("afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath"), PASS_DATA),
        ),
        (
            {"Type": "Pass", "InputPath": "$.a", "Parameters": {"c.$": "$.b"}, "ResultPath": "$.r", "End": True},
            {**PASS_DATA, "r": {"c": 1}},
            {
                "afterInputPath": {"b": 1},
                "afterParameters": {"c": 1},
                "afterResultSelector": {"c": 1},
                "afterResultPath": {**PASS_DATA, "r": {"c": 1}},
            },
        ),
        (
            {"Type": "Pass", "Result": 7, "End": True},
            7,
            {"result": 7, "afterResultSelector": 7, "afterResultPath": 7},
        ),
        ({"Type": "Pass", "QueryLanguage": "JSONata", "Output": 3, "End": True}, 3, {}),
        ({"Type": "Succeed"}, PASS_DATA, {"afterInputPath": PASS_DATA}),
    ],
)
def test_inspection_shows_each_step_of_the_data(
    functions: Functions, state: dict[str, Any], output: Any, shown: dict[str, Any]
) -> None:
    found = answer(functions, state, PASS_DATA)

    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", output)
    assert "inspectionData" not in found
    assert inspected(functions, state, PASS_DATA) == {"input": PASS_DATA, **shown}


def test_a_choice_and_a_next_name_the_state_that_follows(functions: Functions) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericGreaterThan": 5, "Next": "Big"}],
        "Default": "Small",
    }

    assert answer(functions, choice, {"n": 6})["nextState"] == "Big"
    assert answer(functions, choice, {"n": 5})["nextState"] == "Small"
    assert answer(functions, {"Type": "Pass", "Next": "B"})["nextState"] == "B"


def test_a_failure_is_an_answer(functions: Functions) -> None:
    assert answer(functions, {"Type": "Fail", "Error": "E", "Cause": "c"}) == {
        "status": "FAILED",
        "error": "E",
        "cause": "c",
    }


@pytest.mark.parametrize(("state", "name"), [(TASK, "afterParameters"), (JSONATA_TASK, "afterArguments")])
def test_a_mocked_task_calls_nothing(functions: Functions, state: dict[str, Any], name: str) -> None:
    found = answer(functions, state, {"f": "x"}, mock=result({"Payload": "p"}))
    shown = inspected(functions, state, {"f": "x"}, mock=result({"Payload": "p"}))

    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"Payload": "p"})
    assert (shown[name], shown["result"]) == ({"FunctionName": "x"}, {"Payload": "p"})


def test_a_real_task_needs_a_role_and_calls_the_service(functions: Functions) -> None:
    functions.answers["invoke"] = lambda _: ("ServiceException", "busy")

    with pytest.raises(AwsError, match="RoleArn must be specified when testing a Task state"):
        answer(functions, TASK, {"f": "x"})
    found = answer(functions, TASK, {"f": "x"}, roleArn=ROLE)
    assert (found["status"], found["error"]) == ("FAILED", "Lambda.ServiceException")


def test_an_error_goes_to_the_first_catcher_that_matches(functions: Functions) -> None:
    catch = [
        {"ErrorEquals": ["Other"], "Next": "No"},
        {"ErrorEquals": ["My.Error"], "Output": "{% $states.errorOutput %}", "Next": "Yes"},
        {"ErrorEquals": ["States.ALL"], "Next": "No"},
    ]
    state = {**JSONATA_TASK, "Catch": catch}

    found = answer(functions, state, {"f": "x"}, mock=ERROR)

    assert (found["status"], found["nextState"], found["error"], found["cause"]) == (
        "CAUGHT_ERROR",
        "Yes",
        "My.Error",
        "so",
    )
    assert json.loads(found["output"]) == {"Error": "My.Error", "Cause": "so"}
    assert inspected(functions, state, {"f": "x"}, mock=ERROR)["errorDetails"] == {"catchIndex": 1}


@pytest.mark.parametrize(
    ("done", "status", "details"),
    [
        (0, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 2}),
        (2, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 18}),
        (3, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 20}),
        (4, "FAILED", {"retryIndex": 1}),
    ],
)
def test_a_retrier_says_when_it_would_try_again(
    functions: Functions, done: int, status: str, details: dict[str, int]
) -> None:
    retry = [
        {"ErrorEquals": ["Other"]},
        {
            "ErrorEquals": ["My.Error"],
            "IntervalSeconds": 2,
            "BackoffRate": 3,
            "MaxAttempts": 4,
            "MaxDelaySeconds": 20,
        },
    ]
    state, configuration = {**JSONATA_TASK, "Retry": retry}, {"retrierRetryCount": done}

    found = answer(functions, state, {"f": "x"}, mock=ERROR, stateConfiguration=configuration)

    assert (found["status"], found["error"]) == (status, "My.Error")
    shown = inspected(functions, state, {"f": "x"}, mock=ERROR, stateConfiguration=configuration)
    assert shown["errorDetails"] == details


def test_a_map_fails_by_more_failures_than_it_tolerates(functions: Functions) -> None:
    state = {**MAP, "ToleratedFailureCount": 1}
    request: dict[str, Any] = {"mock": result([1, 2, 3]), "roleArn": ROLE}

    found = [
        answer(functions, state, {"l": [1, 2, 3]}, stateConfiguration={"mapIterationFailureCount": count}, **request)
        for count in (1, 2)
    ]

    assert [one["status"] for one in found] == ["SUCCEEDED", "FAILED"]
    assert found[1]["error"] == "States.ExceedToleratedFailureThreshold"
    shown = inspected(functions, state, {"l": [1, 2, 3]}, **request)
    assert (shown["afterItemsPath"], shown["maxConcurrency"], shown["toleratedFailureCount"]) == ([1, 2, 3], 0, 1)


def test_a_state_inside_a_machine_is_found_by_its_name(functions: Functions) -> None:
    machine = {
        "QueryLanguage": "JSONata",
        "StartAt": "M",
        "States": {
            "M": {
                "Type": "Map",
                "ItemProcessor": {
                    "StartAt": "I",
                    "States": {"I": {"Type": "Pass", "Output": "{% $v + $states.input %}", "End": True}},
                },
                "End": True,
            }
        },
    }

    found = answer(functions, machine, 2, stateName="I", variables=json.dumps({"v": 40}))

    assert json.loads(found["output"]) == 42
    with pytest.raises(AwsError, match="State not found in definition"):
        answer(functions, machine, stateName="X")


def test_a_context_is_what_the_state_reads(functions: Functions) -> None:
    state = {**TASK, "Parameters": {"FunctionName.$": "$$.Execution.Name"}}
    context = json.dumps({"Execution": {"Name": "given"}})

    shown = inspected(functions, state, mock=result({}), context=context)

    assert shown["afterParameters"] == {"FunctionName": "given"}


REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    *(
        (state, {"mock": mock}, f"State type '{state['Type']}' is not supported when a mock is specified")
        for state in ({"Type": "Pass", "End": True}, {"Type": "Succeed"}, {"Type": "Fail"})
        for mock in (result(1), ERROR)
    ),
    (TASK, {"mock": {"result": "no json"}}, "Mocked result must be valid JSON"),
    (TASK, {"mock": {**result({}), **ERROR}}, "A test mock should have only one of the following fields"),
    (TASK, {"mock": result({}), "revealSecrets": True}, "TestState does not support RevealSecrets"),
    (MAP, {"mock": result({})}, "Mocked result must be an array."),
    ({**MAP, "ResultWriter": {}}, {"mock": result([])}, "Mocked result must be a JSON object."),
    (
        {"Type": "Parallel", "Branches": [PROCESSOR], "End": True},
        {"mock": result([])},
        "Mocked result must contain the same number of items as number of Parallel branches.",
    ),
    (
        MAP,
        {"mock": result([1]), "stateConfiguration": {"mapIterationFailureCount": 2}},
        "Map iteration failure count must be less than or equal to the number of Map iterations",
    ),
    (
        MAP,
        {"stateConfiguration": {"mapIterationFailureCount": 2}},
        "TestState does not support MapIterationFailureCount when a mock is not specified.",
    ),
    (TASK, {"mock": result({}), "context": '{"Map": {}}'}, "'Map' field is not supported when mocking a Context"),
    (TASK, {"mock": result({}), "context": '{"State": {"x": 1}}'}, "Field 'x' is not allowed"),
    (TASK, {"mock": result({}), "context": '{"Other": {}}'}, "Field 'Other' is not allowed"),
    (TASK, {"mock": result({}), "context": '{"State": {"Name": 1}}'}, "State.Name must be a string"),
    (TASK, {"mock": result({}), "context": '{"Task": {"Token": "t"}}'}, "Context object contains 'Task'"),
]


@pytest.mark.parametrize(("state", "request_", "message"), REFUSALS)
def test_what_does_not_go_together_is_refused(
    functions: Functions, state: dict[str, Any], request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(AwsError) as error:
        answer(functions, state, {"f": "x"}, **request_)

    assert error.value.code == "ValidationException"
    assert message in error.value.message


def test_a_map_needs_a_mock(functions: Functions) -> None:
    with pytest.raises(AwsError) as error:
        answer(functions, MAP, roleArn=ROLE)

    assert error.value.code == "InvalidDefinition"


WRONG: list[tuple[str, Any, str]] = [
    ("states:startExecution", {}, "Required field 'ExecutionArn' is missing"),
    ("states:startExecution", {"ExecutionArn": 1, "StartDate": "d"}, "Field 'ExecutionArn' must be a string"),
    ("states:startExecution", {"ExecutionArn": "a", "StartDate": True}, "Field 'StartDate' must be a string"),
    ("lambda:invoke", {"StatusCode": "200"}, "Field 'StatusCode' must be a number"),
    ("events:putEvents", {"Entries": "e"}, "Field 'Entries' must be an array"),
    ("events:putEvents", {"Entries": [{}, {"EventId": []}]}, "Field 'EventId' must be a string"),
    ("aws-sdk:s3:getObject", {"StorageClass": "Papyrus"}, "Field 'StorageClass' is not an expected value"),
    ("aws-sdk:kms:encrypt", {"CiphertextBlob": ""}, "Field 'CiphertextBlob' is smaller than the minimum length"),
    (
        "aws-sdk:lambda:getFunction",
        {"Configuration": {"MemorySize": 127}},
        "Field 'MemorySize' is less than the minimum value",
    ),
]


@pytest.mark.parametrize(("integration", "value", "message"), WRONG)
def test_a_mocked_result_has_the_form_that_the_service_answers(
    functions: Functions, integration: str, value: Any, message: str
) -> None:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{integration}", "End": True}

    with pytest.raises(AwsError) as error:
        answer(functions, state, mock=result(value))
    assert error.value.message == f"Mock result schema validation error: {message}"
    # Nobody looks at it, or at what is there only.
    assert json.loads(answer(functions, state, mock=result(value, fieldValidationMode="NONE"))["output"]) == value
    if "missing" in message:
        assert answer(functions, state, mock=result(value, fieldValidationMode="PRESENT"))["status"] == "SUCCEEDED"


def test_a_mocked_result_may_have_fields_that_nobody_knows(functions: Functions) -> None:
    state = {"Type": "Task", "Resource": "arn:aws:states:::events:putEvents", "End": True}

    assert json.loads(answer(functions, state, mock=result({"new": 1}))["output"]) == {"new": 1}


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Output": {"a": ["{% $states.input.missing %}"]}, "End": True},
        {"Type": "Choice", "Choices": [{"Condition": "{% 'true' %}", "Next": "B"}], "Default": "B"},
        {"Type": "Wait", "Seconds": "{% '1' %}", "End": True},
        {"Type": "Fail", "Error": "{% 1 %}"},
        {**JSONATA_TASK, "TimeoutSeconds": "{% 'x' %}"},
    ],
    ids=lambda state: state["Type"],
)
def test_an_expression_fails_as_it_does_in_an_execution(functions: Functions, state: dict[str, Any]) -> None:
    state = {"QueryLanguage": "JSONata", **state}
    end = {"Type": "Pass", "End": True}
    run = functions.machine({"A": state, "B": end} if "Choices" in state else {"A": state}).run({"f": "x"})

    found = answer(functions, state, {"f": "x"}, roleArn=ROLE)

    assert (
        (found["status"], found["error"]) == (run["status"], run["error"]) == ("FAILED", "States.QueryEvaluationError")
    )
    # An execution says before that in which state it happened.
    assert run["cause"].endswith(f"). {found['cause']}")
