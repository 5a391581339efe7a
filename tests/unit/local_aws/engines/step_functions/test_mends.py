"""Where the interpreter differs from AWS's documentation and answers, and is mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.local_aws.engines.step_functions.conftest import Functions

PASS: dict[str, Any] = {"Type": "Pass", "End": True}


def branch(**state: Any) -> dict[str, Any]:
    return {"StartAt": "B", "States": {"B": state}}


def outcome(functions: Functions, value: Any = None, **states: Any) -> tuple[dict[str, Any], list[str]]:
    """How a JSONPath machine ends, and the types of its events."""
    machine = functions.machine(states, QueryLanguage="JSONPath")
    arn = machine.start(value)
    return functions.ended(arn), functions.types(arn)


def status(found: dict[str, Any]) -> str:
    return str(getattr(found["status"], "value", found["status"]))


LARGE = "x" * 262_200


@pytest.mark.parametrize(
    ("failing", "error", "caught_by"),
    [
        ({"Type": "Fail", "Error": "My.Error"}, "My.Error", {"My.Error", "States.TaskFailed", "States.ALL"}),
        (
            {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $missing %}", "End": True},
            "States.QueryEvaluationError",
            {"States.QueryEvaluationError", "States.TaskFailed", "States.ALL"},
        ),
        (
            {"Type": "Pass", "QueryLanguage": "JSONata", "Output": f"{{% '{LARGE}' %}}", "End": True},
            "States.DataLimitExceeded",
            {"States.DataLimitExceeded", "States.TaskFailed", "States.ALL"},
        ),
        ({"Type": "Pass", "InputPath": "$.missing", "End": True}, "States.Runtime", set()),
    ],
    ids=["own", "evaluation", "data limit", "runtime"],
)
@pytest.mark.parametrize("declared", ["", "States.TaskFailed", "States.ALL", "Other"])
def test_a_catcher_meets_the_errors_that_aws_documents(
    functions: Functions, failing: dict[str, Any], error: str, caught_by: set[str], declared: str
) -> None:
    name = declared or error
    catch = [{"ErrorEquals": [name], "Next": "Caught"}]
    states = {
        "A": {"Type": "Parallel", "Branches": [branch(**failing)], "Catch": catch, "End": True},
        "Caught": {"Type": "Pass", "Result": "caught", "End": True},
    }

    found, _ = outcome(functions, **states)

    assert status(found) == ("SUCCEEDED" if name in caught_by else "FAILED")
    assert found.get("error") == (None if name in caught_by else error)


@pytest.mark.parametrize("operator", [{"NumericEquals": 1}, {"IsString": True}, {"StringMatches": "*"}])
def test_a_choice_needs_what_it_compares(functions: Functions, operator: dict[str, Any]) -> None:
    rule = {"Variable": "$.missing", **operator, "Next": "B"}

    found, _ = outcome(functions, A={"Type": "Choice", "Choices": [rule], "Default": "B"}, B=PASS)

    assert (status(found), found["error"]) == ("FAILED", "States.Runtime")
    assert "Invalid path '$.missing': The choice state's condition path references an invalid value." in found["cause"]


def test_a_choice_may_ask_whether_it_is_there(functions: Functions) -> None:
    rule = {
        "Not": {"Variable": "$.missing", "IsPresent": True},
        "Next": "B",
    }

    found, _ = outcome(functions, A={"Type": "Choice", "Choices": [rule]}, B=PASS)

    assert status(found) == "SUCCEEDED"


def test_a_choice_without_a_match_has_a_name(functions: Functions) -> None:
    rule = {"Variable": "$.a", "NumericEquals": 2, "Next": "B"}

    found, _ = outcome(functions, {"a": 1}, A={"Type": "Choice", "Choices": [rule]}, B=PASS)

    assert (status(found), found["error"]) == ("FAILED", "States.NoChoiceMatched")


@pytest.mark.parametrize("value", [1, "true", [], None])
def test_a_condition_is_a_boolean(functions: Functions, value: Any) -> None:
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% $states.input %}", "Next": "B"}], "Default": "B"}
    machine = functions.machine({"A": choice, "B": PASS})

    found = functions.ended(machine.start([value])) if value == [] else machine.run(value)

    assert (status(found), found["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert "returned an unexpected result type. Expected 'boolean'" in found["cause"]


def test_a_map_needs_an_array(functions: Functions) -> None:
    state = {"Type": "Map", "ItemsPath": "$.o", "ItemProcessor": branch(**PASS), "End": True}

    found, _ = outcome(functions, {"o": {"a": 1}}, A=state)

    assert (status(found), found["error"]) == ("FAILED", "States.Runtime")
    assert 'Reference path "$.o" must point to array.' in found["cause"]


@pytest.mark.parametrize(("size", "ends"), [(262_142, "SUCCEEDED"), (262_143, "FAILED")])
def test_a_variable_has_at_most_256_kib(functions: Functions, size: int, ends: str) -> None:
    # With the quotes that a text has in JSON, and its name.
    overhead = len('{"v":}')
    state = {
        "Type": "Pass",
        "Assign": {"v": f"{{% $pad('', {size - overhead}, 'x') %}}"},
        "Output": 1,
        "End": True,
    }

    found = functions.machine({"A": state}).run()

    assert status(found) == ends
    assert found.get("error") == (None if ends == "SUCCEEDED" else "States.DataLimitExceeded")


def test_all_variables_have_at_most_10_mib(functions: Functions) -> None:
    states = {
        f"S{number}": {
            "Type": "Pass",
            "Assign": {f"v{number}": "{% $pad('', 262000, 'x') %}"},
            "Output": 1,
            "Next": f"S{number + 1}",
        }
        for number in range(41)
    }
    states["S41"] = {"Type": "Succeed"}

    found = functions.machine(states).run()

    assert (status(found), found["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_a_failed_evaluation_is_an_event_with_its_place(functions: Functions) -> None:
    arn = functions.machine({"A": {"Type": "Pass", "Output": {"k": {"l": "{% $missing %}"}}, "End": True}}).start()
    functions.ended(arn)

    (failed,) = [one for one in functions.history(arn) if "evaluationFailedEventDetails" in one]

    assert functions.types(arn) == ["ExecutionStarted", "PassStateEntered", "EvaluationFailed", "ExecutionFailed"]
    assert failed["evaluationFailedEventDetails"] == {
        "error": "States.QueryEvaluationError",
        "cause": "An error occurred while executing the state 'A' (entered at the event id #2). The JSONata expression "
        "'$missing' specified for the field 'Output/k/l' returned nothing (undefined).",
        "location": "Output/k/l",
        "state": "A",
    }


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"Type": "Pass", "Assign": {"v": "{% $missing %}"}, "End": True}, "Assign/v"),
        ({"Type": "Wait", "Seconds": "{% $missing %}", "End": True}, "Seconds"),
        ({"Type": "Succeed", "Output": ["{% $missing %}"]}, "Output[0]"),
        (
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "{% $missing %}"},
            },
            "Arguments/FunctionName",
        ),
        (
            {"Type": "Parallel", "Arguments": "{% $missing %}", "Branches": [branch(**PASS)], "End": True},
            "Arguments",
        ),
        ({"Type": "Map", "Items": "{% $missing %}", "ItemProcessor": branch(**PASS), "End": True}, "Items"),
    ],
)
def test_each_type_of_state_writes_the_event_once(functions: Functions, state: dict[str, Any], place: str) -> None:
    state = {"End": True, **state} if state["Type"] == "Task" else state
    arn = functions.machine({"A": state}).start()
    found = functions.ended(arn)

    failed = [one for one in functions.history(arn) if "evaluationFailedEventDetails" in one]

    assert [one["evaluationFailedEventDetails"]["location"] for one in failed] == [place]
    assert found["error"] == "States.QueryEvaluationError"


def test_the_error_of_a_caught_failure_is_no_result(functions: Functions) -> None:
    catch = [
        {
            "ErrorEquals": ["E"],
            "Output": {"error": "{% $states.errorOutput.Error %}", "result": "{% $exists($states.result) %}"},
            "Next": "Caught",
        }
    ]
    parallel = {"Type": "Parallel", "Branches": [branch(Type="Fail", Error="E")], "Catch": catch, "End": True}

    found = functions.machine({"A": parallel, "Caught": PASS}).run()

    assert found["output"] == '{"error":"E","result":false}'


def test_assigned_texts_are_json_in_the_history(functions: Functions) -> None:
    arn = functions.machine({"A": {"Type": "Pass", "Assign": {"v": 'a"b'}, "End": True}}).start()
    functions.ended(arn)

    exited = next(one for one in functions.history(arn) if "stateExitedEventDetails" in one)

    assert exited["stateExitedEventDetails"]["assignedVariables"] == {"v": '"a\\"b"'}


def test_outputs_see_the_variables_of_the_entry(functions: Functions) -> None:
    states = {
        "A": {"Type": "Pass", "Assign": {"v": 1}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"v": 2}, "Output": "{% $v %}", "Next": "C"},
        "C": {"Type": "Pass", "Output": ["{% $v %}", "{% $states.input %}"], "End": True},
    }

    assert functions.machine(states).run()["output"] == "[2,1]"


def test_an_output_path_sees_the_variables_of_the_entry(functions: Functions) -> None:
    b = {"Type": "Pass", "Assign": {"v": 2}, "OutputPath": "$v", "Next": "C"}
    c = {"Type": "Pass", "Parameters": {"now.$": "$v", "then.$": "$"}, "End": True}

    found, _ = outcome(functions, A={"Type": "Pass", "Assign": {"v": 1}, "Next": "B"}, B=b, C=c)

    assert found["output"] == '{"now":2,"then":1}'


@pytest.mark.parametrize(("value", "output"), [(6, '"big"'), (1, '"small"')])
def test_a_rule_to_the_default_state_keeps_its_own_output(functions: Functions, value: int, output: str) -> None:
    rule = {"Condition": "{% $states.input > 5 %}", "Output": "big", "Next": "B"}
    choice = {"Type": "Choice", "Choices": [rule], "Default": "B", "Output": "small"}

    assert functions.machine({"A": choice, "B": PASS}).run(value)["output"] == output


@pytest.mark.parametrize(
    ("path", "output"),
    [
        ("$.l[0].x", "1"),
        ("$.l[0]", '{"x":1}'),
        ("$.n[0][1]", "3"),
        ("$.l[*].x", "[1]"),
        ("$.l[0:1]", '[{"x":1}]'),
        ("$.l[?(@.x==1)].x", "[1]"),
        ("$..x", "[1]"),
        ("$.none[*].x", "[]"),
        ("$.l", '[{"x":1}]'),
    ],
)
def test_only_a_path_to_many_places_gives_an_array(functions: Functions, path: str, output: str) -> None:
    given = {"l": [{"x": 1}], "n": [[2, 3]], "none": []}

    found, _ = outcome(functions, given, A={"Type": "Pass", "InputPath": path, "End": True})

    assert found["output"] == output


def test_a_backslash_in_a_path_is_one(functions: Functions) -> None:
    name = 'a\\"b'

    found, _ = outcome(functions, {name: 1}, A={"Type": "Pass", "InputPath": f"$['{name}']", "End": True})

    assert found.get("output") == "1"


@pytest.mark.parametrize(
    ("label", "refused_for"),
    [
        ("batches", ""),
        ("Àpfel", ""),
        ("a" * 40, ""),
        ("a" * 41, "Label cannot exceed 40 characters"),
        ("", "Label cannot be empty"),
        # Whatever Python would make of it, a backslash is refused.
        ("end\\", "Label contains invalid character"),
        ("\\x41", "Label contains invalid character"),
        ("\\N{BULLET}", "Label contains invalid character"),
        ("a\nb", "Label contains invalid character"),
        ("a\x85b", "Label contains invalid character"),
    ],
)
def test_a_label_is_the_text_that_the_definition_has(functions: Functions, label: str, refused_for: str) -> None:
    processor = {**branch(**PASS), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    definition = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "Label": label, "ItemProcessor": processor, "End": True}},
    }
    answer = functions.ask("ValidateStateMachineDefinition", definition=json.dumps(definition))
    messages = [found["message"] for found in answer["diagnostics"]]
    if refused_for:
        assert [refused_for in message for message in messages] == [True], messages
    else:
        assert messages == []
