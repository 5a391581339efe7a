"""Definitions that AWS refuses, and the words in which it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aws_facts import states_language as facts
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


LAMBDA = "arn:aws:states:::lambda:invoke"
EVERY_FIELD = frozenset().union(*facts.STATE_FIELDS.values())
# A state of each type that is accepted.
STATES: dict[str, dict[str, Any]] = {
    "Task": {"Type": "Task", "Resource": LAMBDA, "End": True},
    "Parallel": {"Type": "Parallel", "Branches": [machine(Inner=PASS)], "End": True},
    "Map": {"Type": "Map", "ItemProcessor": machine(Inner=PASS), "End": True},
    "Pass": PASS,
    "Wait": {"Type": "Wait", "Seconds": 1, "End": True},
    "Choice": {"Type": "Choice", "Choices": [{"Next": "B"}]},
    "Succeed": {"Type": "Succeed"},
    "Fail": {"Type": "Fail"},
}


def found_in(state: dict[str, Any], language: str = "JSONPath") -> list[str]:
    """What is found in a state between others, without the paths of the states."""
    text = json.dumps({"QueryLanguage": language, **machine(A=state), "States": {"A": state, "B": PASS}})
    found = diagnose(text, "STANDARD")
    return [str(one) for one in found if one.code != TARGET]


@pytest.mark.parametrize("type_", STATES)
def test_a_state_has_the_fields_of_its_type_and_no_others(type_: str) -> None:
    assert found_in(STATES[type_]) == []

    for field in sorted(EVERY_FIELD - facts.STATE_FIELDS[type_]) + ["next", "Retries"]:
        assert f"{SCHEMA}: Field '{field}' is not supported at /States/A" in found_in({**STATES[type_], field: None})


@pytest.mark.parametrize("type_", STATES)
def test_a_state_has_the_fields_of_its_query_language(type_: str) -> None:
    for language, other, foreign in (
        ("JSONPath", "JSONata", facts.JSONATA_ONLY),
        ("JSONata", "JSONPath", facts.JSONPATH_ONLY),
    ):
        for field in foreign & facts.STATE_FIELDS[type_]:
            only = f"but field '{field}' is only supported for the '{other}' QueryLanguage at /States/A"
            said = f"{SCHEMA}: The QueryLanguage is set to '{language}', {only}"
            assert found_in({**STATES[type_], field: "$.a"}, language) == [said]


CATCH_ALL = {"ErrorEquals": ["States.ALL"], "Next": "B"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"TimeoutSeconds": 0}, "Minimum value is 1 at /States/A/TimeoutSeconds"),
        ({"TimeoutSeconds": 100_000_000}, "Maximum value is 99999999 at /States/A/TimeoutSeconds"),
        ({"HeartbeatSeconds": 0}, "Minimum value is 1 at /States/A/HeartbeatSeconds"),
        (
            {"Retry": [{"ErrorEquals": ["E"], "MaxDelaySeconds": 31_622_400}]},
            "Maximum value is 31622399 at /States/A/Retry[0]/MaxDelaySeconds",
        ),
        (
            {"Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]},
            "States.ALL must be in the last element at /States/A/Retry[0]/ErrorEquals",
        ),
        (
            {"Catch": [CATCH_ALL, {**CATCH_ALL, "ErrorEquals": ["E"]}]},
            "States.ALL must be in the last element at /States/A/Catch[0]/ErrorEquals",
        ),
        ({"Catch": [{**CATCH_ALL, "Retry": []}]}, "Field 'Retry' is not supported at /States/A/Catch[0]"),
        (
            {"Catch": [{**CATCH_ALL, "ResultPath": "$.e"}]},
            "The QueryLanguage is set to 'JSONata', but field 'ResultPath' is only supported for the 'JSONPath' "
            "QueryLanguage at /States/A/Catch[0]",
        ),
    ],
)
def test_what_stands_in_a_field_is_within_its_limits(fields: dict[str, Any], said: str) -> None:
    assert found_in({**STATES["Task"], **fields}, "JSONata") == [f"{SCHEMA}: {said}"]


@pytest.mark.parametrize("name", ["states", "1a", "a-b", "", "a" * 81])
def test_a_variable_has_a_name_that_an_expression_can_write(name: str) -> None:
    (said,) = found_in({**PASS, "Assign": {name: 1}}, "JSONata")

    assert f"Invalid variable name '{name}'" in said
    assert found_in({**PASS, "Assign": {"a" * 80: 1, "ä_1": 1}}, "JSONata") == []


@pytest.mark.parametrize(
    "resource",
    [
        f"{LAMBDA}.sync",
        "arn:aws:states:::glue:startJobRun.waitForTaskToken",
        "arn:aws:states:::glue:startJobRun.sync:2",
        "arn:aws:states:::aws-sdk:glue:startJobRun.sync",
        "arn:aws:states:::sqs:sendMessage.sync",
    ],
)
def test_a_task_waits_in_a_way_that_its_service_has(resource: str) -> None:
    (said,) = found_in({**STATES["Task"], "Resource": resource})

    assert said.startswith(f"{SCHEMA}: The resource provided {resource} is not recognized. ")


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("lambda:invoke", {"FunctionName": "f"}),
        ("glue:startJobRun.sync", {"JobName": "j"}),
        ("sns:publish", {"Message": "m"}),
        ("sqs:sendMessage.waitForTaskToken", {"QueueUrl": "q", "MessageBody": "b"}),
        ("events:putEvents", {"Entries": []}),
        ("states:startExecution.sync:2", {"StateMachineArn": "a"}),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}),
        ("aws-sdk:redshiftdata:executeStatement", {"Sql": "s", "Database": "d"}),
    ],
)
def test_a_task_gives_the_parameters_of_its_call_and_no_others(call: str, given: dict[str, Any]) -> None:
    def said_of(parameters: dict[str, Any], language: str, field: str) -> list[str]:
        state = {**STATES["Task"], "Resource": f"arn:aws:states:::{call}", field: parameters}
        return [said.removesuffix(f" at /States/A/{field}") for said in found_in(state, language)]

    assert said_of(given, "JSONata", "Arguments") == []
    assert said_of({f"{name}.$": "$.a" for name in given}, "JSONPath", "Parameters") == []
    for name in given:
        other = name[:1].lower() + name[1:]
        refused = [f"{SCHEMA}: The field '{unknown}' is not supported by Step Functions" for unknown in ("Foo", other)]
        assert said_of({**given, "Foo": 1, other: 1}, "JSONata", "Arguments") == refused
        assert said_of({**given, "Foo.$": "$", f"{other}.$": "$"}, "JSONPath", "Parameters") == refused
        if not call.startswith("aws-sdk"):
            rest = {key: value for key, value in given.items() if key != name}
            missing = f"{SCHEMA}: The field '{name}' is required but was missing"
            assert said_of(rest, "JSONata", "Arguments") == [missing]


@pytest.mark.parametrize("call", ["s3:GetObject", "s3:getObjekt", "redshift-data:ExecuteStatement"])
def test_a_task_calls_what_its_service_has(call: str) -> None:
    resource = f"arn:aws:states:::aws-sdk:{call}"

    (said,) = found_in({**STATES["Task"], "Resource": resource})

    assert said.startswith(f"{SCHEMA}: The resource provided {resource} is not recognized. ")


def test_a_name_of_a_state_is_short_and_stands_once_in_the_whole_definition() -> None:
    long = "s" * 81
    parallel = {"Type": "Parallel", "Branches": [machine(B=PASS), machine(B=PASS)], "Next": long}

    assert [str(one) for one in diagnose(json.dumps(machine(A=parallel, **{long: PASS})), "STANDARD")] == [
        f"INVALID_STATE_NAME: Invalid State name: State '{long}' exceeds the 80-character limit allowed by the service "
        f"at /States/{long}",
        "DUPLICATE_STATE_NAME: Duplicate State name: B at /States/A/Branches[1]/States/B",
    ]
    assert diagnose(json.dumps(machine(**{"s" * 80: PASS})), "STANDARD") == []


def test_a_definition_and_what_is_in_it_have_their_own_fields() -> None:
    inner = {**machine(B=PASS), "QueryLanguage": "JSONata"}
    outer = {**machine(A={**STATES["Map"], "ItemProcessor": inner}), "Tags": {}, "TimeoutSeconds": 0}

    assert [str(one) for one in diagnose(json.dumps(outer), "STANDARD")] == [
        f"{SCHEMA}: Field 'Tags' is not supported at /",
        f"{SCHEMA}: Minimum value is 1 at /TimeoutSeconds",
        f"{SCHEMA}: Field 'QueryLanguage' is not supported at /States/A/ItemProcessor",
    ]


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


@pytest.mark.parametrize(
    ("operation", "request_", "said"),
    [
        (
            "CreateStateMachine",
            {"name": "m", "roleArn": ROLE, "definition": json.dumps(machine(A=PASS)), "type": "FAST"},
            "Value 'FAST' at 'type' failed to satisfy constraint: Member must satisfy enum value set: "
            "[STANDARD, EXPRESS]",
        ),
        (
            "CreateStateMachine",
            {"name": "m", "roleArn": ROLE, "definition": " " * 1_048_577},
            "Value at 'definition' failed to satisfy constraint: Member must have length less than or equal to 1048576",
        ),
        (
            "ListExecutions",
            {"redriveFilter": "NEVER"},
            "Value 'NEVER' at 'redriveFilter' failed to satisfy constraint: Member must satisfy enum value set: "
            "[REDRIVEN, NOT_REDRIVEN]",
        ),
        (
            "ListExecutions",
            {"statusFilter": "GONE"},
            "Value 'GONE' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: "
            "[SUCCEEDED, TIMED_OUT, PENDING_REDRIVE, ABORTED, FAILED, RUNNING]",
        ),
        (
            "StopExecution",
            {"executionArn": "arn", "error": "e" * 257},
            "Value at 'error' failed to satisfy constraint: Member must have length less than or equal to 256",
        ),
    ],
)
def test_a_member_has_one_of_its_values_and_is_not_too_long(
    functions: Functions, operation: str, request_: dict[str, Any], said: str
) -> None:
    with pytest.raises(AwsError) as error:
        functions.ask(operation, **request_)
    assert (error.value.code, error.value.message) == ("ValidationException", f"1 validation error detected: {said}")


@pytest.mark.parametrize(
    ("call", "is_refused"),
    [
        (r"States.Format('it\'s \{{}\} \\', $.a)", False),
        (r"States.Format('\\n', $.a)", False),
        ("States.StringSplit('a\nb', '\n')", False),
        ("States.Format('{}', $['a\\n'])", False),
        (r"States.Format('\n', $.a)", True),
        (r"States.StringToJson('{\"a\": 1}')", True),
        (r"States.Format('{}', States.Format('\\\d'))", True),
    ],
)
@pytest.mark.parametrize("field", ["Parameters", "ResultSelector"])
def test_a_text_of_an_intrinsic_function_has_its_own_escapes(call: str, is_refused: bool, field: str) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    inner: dict[str, Any] = {"Parameters": {"FunctionName": "f"}}
    inner[field] = {**inner.get(field, {}), "Payload": {"v.$": call}}
    said = "The value for the field 'v.$' must be a valid JSONPath or a valid intrinsic function call"
    expected = [Diagnostic(SCHEMA, said, f"/States/A/{field}/Payload")] if is_refused else []
    assert diagnose(json.dumps(machine(A={**task, **inner})), "STANDARD") == expected
    # What is not a template is not a call.
    assert diagnose(json.dumps(machine(A={**PASS, "Result": {"v.$": call}})), "STANDARD") == []
