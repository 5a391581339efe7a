"""JSONata in state machines: what is refused, what fails and with which words, and texts as they are written."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_aws.errors import AwsError
from tests.unit.local_aws.engines.step_functions.conftest import ROLE, Functions


def output(expression: str) -> dict[str, Any]:
    return {"A": {"Type": "Pass", "Output": {"v": f"{{% {expression} %}}"}, "End": True}}


@pytest.mark.parametrize(
    ("expression", "code", "message"),
    [
        ("$a ?? 1", "INVALID_JSONATA_EXPRESSION", 'The symbol "?" cannot be used as a unary operator'),
        ("$a ?: 1", "INVALID_JSONATA_EXPRESSION", 'The symbol ":" cannot be used as a unary operator'),
        ("1 +", "INVALID_JSONATA_EXPRESSION", "Unexpected end of expression"),
        ("a", "UNSUPPORTED_JSONATA_EXPRESSION", "Reference to 'a' at the top level is not supported."),
    ],
)
def test_a_definition_is_refused_for_an_expression(
    functions: Functions, expression: str, code: str, message: str
) -> None:
    machine = functions.machine(output("1"), name="good")
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": output(expression)})
    expected = f"Invalid State Machine Definition: '{code}: {message} at /States/A/Output/v'"
    for operation, request in (
        ("CreateStateMachine", {"name": "bad", "roleArn": ROLE}),
        ("UpdateStateMachine", {"stateMachineArn": machine.arn}),
    ):
        with pytest.raises(AwsError) as error:
            functions.ask(operation, definition=definition, **request)
        assert (error.value.code, error.value.message) == ("InvalidDefinition", expected)
    assert functions.ask("ValidateStateMachineDefinition", definition=definition) == {
        "result": "FAIL",
        "diagnostics": [{"severity": "ERROR", "code": code, "message": message, "location": "/States/A/Output/v"}],
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("states", "field", "cause"),
    [
        (
            output("$eval('1')"),
            "Output/v",
            "threw an error during evaluation. T1006: Attempted to invoke a non-function",
        ),
        (output("$missing"), "Output/v", "returned nothing (undefined)."),
        (output("$sum"), "Output/v", "returned an unsupported result type."),
        (
            output("[1..873783]"),
            "Output/v",
            "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory "
            "usage",
        ),
        (
            {
                "A": {"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "B"}], "Default": "B"},
                "B": {"Type": "Pass", "End": True},
            },
            "Choices[0]/Condition",
            "returned an unexpected result type. Expected 'boolean', but was 'string' for value: \"yes\"",
        ),
        (
            {"A": {"Type": "Wait", "Seconds": "{% 'long' %}", "End": True}},
            "Seconds",
            "returned an unexpected result type. Expected 'number', but was 'string' for value: \"long\"",
        ),
        (
            {"A": {"Type": "Pass", "Assign": {"a": ["{% $none %}"]}, "End": True}},
            "Assign/a[0]",
            "returned nothing (undefined).",
        ),
    ],
)
def test_a_failed_evaluation_is_told_as_aws_tells_it(
    functions: Functions, states: dict[str, Any], field: str, cause: str
) -> None:
    arn = functions.machine(states).start()
    ended = functions.ended(arn)
    assert (ended["status"].value, ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    events = functions.history(arn)
    kinds = [str(event["type"].value) for event in events]
    assert kinds == ["ExecutionStarted", f"{states['A']['Type']}StateEntered", "EvaluationFailed", "ExecutionFailed"]
    details = events[2]["evaluationFailedEventDetails"]
    assert (details["error"], details["location"], details["state"]) == ("States.QueryEvaluationError", field, "A")
    assert details["cause"] == ended["cause"] == events[3]["executionFailedEventDetails"]["cause"]
    assert ended["cause"].startswith(
        "An error occurred while executing the state 'A' (entered at the event id #2). The "
    )
    assert ended["cause"].endswith(f"specified for the field '{field}' {cause}")


@pytest.mark.parametrize(
    ("field", "types"),
    [
        ({"Items": "{% 'a' %}"}, ["EvaluationFailed", "MapStateFailed"]),
        ({"Items": "{% $missing %}"}, ["EvaluationFailed", "MapStateFailed"]),
        ({"Items": "{% [1] %}", "ItemSelector": {"x": "{% $missing %}"}}, None),
        ({"Items": "{% [1] %}", "MaxConcurrency": "{% 'a' %}"}, None),
        ({"Items": "{% [1] %}", "Output": "{% $missing %}"}, None),
        ({"Items": "{% [1] %}", "Assign": {"a": "{% $missing %}"}}, None),
    ],
)
def test_a_map_that_cannot_evaluate_fails(functions: Functions, field: dict[str, Any], types: list[str] | None) -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
    arn = functions.machine({"A": {"Type": "Map", "ItemProcessor": inner, **field, "End": True}}).start()
    ended = functions.ended(arn)
    assert (ended["status"].value, ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    kinds = functions.types(arn)
    assert kinds.count("EvaluationFailed") == 1
    if types is not None:
        assert kinds == ["ExecutionStarted", "MapStateEntered", *types, "ExecutionFailed"]


def test_a_failure_in_an_iteration_is_told_there(functions: Functions) -> None:
    inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Output": "{% $missing %}", "End": True}}}
    arn = functions.machine({"A": {"Type": "Map", "Items": [1], "ItemProcessor": inner, "End": True}}).start()
    ended = functions.ended(arn)
    assert (ended["status"].value, ended["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert functions.types(arn).count("EvaluationFailed") == 1


def test_what_only_looks_like_a_typed_field_has_any_type(functions: Functions) -> None:
    states = {"A": {"Type": "Pass", "Output": {"Items": "{% 1 %}", "a": {"Condition": "{% 'x' %}"}}, "End": True}}
    assert json.loads(functions.machine(states).run()["output"]) == {"Items": 1, "a": {"Condition": "x"}}


def test_an_evaluation_that_fails_can_be_caught(functions: Functions) -> None:
    functions.answers["invoke"] = lambda _: {"StatusCode": 200, "Payload": b"{}"}
    states = {
        "A": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "f", "Payload": {"x": "{% 1 + 'a' %}"}},
            "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "B"}],
            "End": True,
        },
        "B": {"Type": "Pass", "Output": "{% $states.input %}", "End": True},
    }
    document = json.loads(functions.machine(states).run()["output"])
    assert document["Error"] == "States.QueryEvaluationError"
    assert (
        "specified for the field 'Arguments/Payload/x' threw an error during evaluation. T2002: " in document["Cause"]
    )


@pytest.mark.parametrize("ascii_only", [True, False])
def test_texts_of_a_definition_are_json(functions: Functions, ascii_only: bool) -> None:
    values = {
        "length": '{% $length("a\\nb") %}',
        "bare": "{% $length('ü😀') %}",
        "quoted": "{% 'say \"x\"' & '\\\\' %}",
        "plain": 'x\n\t"q"\\ / ü😀\u2028',
        'a "key"\n&<>': "1",
    }
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Aüß & <b>",
        "States": {"Aüß & <b>": {"Type": "Pass", "Output": values, "End": True}},
    }
    text = json.dumps(definition, ensure_ascii=ascii_only).replace("&", "\\u0026").replace(" / ", " \\/ ")
    arn = functions.ask("CreateStateMachine", name="m", definition=text, roleArn=ROLE)["stateMachineArn"]
    started = functions.ask("StartExecution", stateMachineArn=arn, input="{}")["executionArn"]
    assert json.loads(functions.ended(started)["output"]) == {
        **values,
        "length": 3,
        "bare": 2,
        "quoted": 'say "x"\\',
    }
    assert functions.history(started)[1]["stateEnteredEventDetails"]["name"] == "Aüß & <b>"


@pytest.mark.parametrize("text", ["2016-12-05 21:29:29Z", "2016-12-05T21:29:29", "2016-13-05T21:29:29Z", "soon"])
def test_a_time_that_an_expression_gives_wrongly_is_a_failed_evaluation(functions: Functions, text: str) -> None:
    machine = functions.machine(
        {"W": {"Type": "Wait", "Timestamp": "{% $states.input.at %}", "End": True}}, QueryLanguage="JSONata"
    )
    arn = machine.start({"at": text})
    ended = functions.ended(arn)
    assert ended["error"] == "States.QueryEvaluationError"
    assert ended["cause"].endswith(
        f"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}"
    )
    assert functions.types(arn) == ["ExecutionStarted", "WaitStateEntered", "EvaluationFailed", "ExecutionFailed"]


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+12", "Etc/GMT-14"])
@pytest.mark.parametrize("language", ["JSONata", "JSONPath"])
def test_a_time_is_utc_wherever_the_endpoint_runs(
    functions: Functions, monkeypatch: pytest.MonkeyPatch, zone: str, language: str
) -> None:
    by = {"Timestamp": "{% $states.input.at %}"} if language == "JSONata" else {"TimestampPath": "$.at"}
    waiting = functions.machine({"W": {"Type": "Wait", **by, "End": True}}, QueryLanguage=language)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        now = datetime.now(UTC)
        past, future = (f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (-1, 1))
        assert functions.ended(waiting.start({"at": past}))["status"] == "SUCCEEDED"
        later = waiting.start({"at": future})
        assert functions.ended(waiting.start({"at": past}))["status"] == "SUCCEEDED"
        assert functions.ask("DescribeExecution", executionArn=later)["status"] == "RUNNING"
        functions.ask("StopExecution", executionArn=later)
    finally:
        monkeypatch.undo()
        time.tzset()
