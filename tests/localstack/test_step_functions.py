"""What is changed in LocalStack's Step Functions: each change is still needed, and does what it is for."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.endings import Endings
from local_aws.engines.step_functions import expressions
from local_aws.engines.step_functions.interpreter import LOCALSTACK, SERVICE
from local_aws.services.faults.fault_rules import Faults
from pipeline.clients import Clients
from pipeline_tools.comparisons import emulators


@pytest.fixture
def change() -> Iterator[Callable[[], None]]:
    """Make the changes, for the time of one test."""
    ours = importlib.import_module("local_aws.engines.localstack.step_functions")
    made: list[Any] = []
    yield lambda: made.append(ours.change(Faults(), lambda *_: None, Endings()))
    for changes in made:
        changes.undo()


EXPRESSION = "asl.component.common.string.string_expression"
FAILURE = "asl.component.common.error_name.failure_event"


def theirs(path: str, name: str) -> Any:
    return LOCALSTACK.get(path, name)


def task(action: str) -> Any:
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import resource
    from localstack.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
        state_task_service_aws_sdk as sdk,
    )

    made = sdk.StateTaskServiceAwsSdk()
    made.resource = resource.Resource.from_resource_arn(f"arn:aws:states:::aws-sdk:redshiftdata:{action}")
    return made


def test_the_data_api_has_its_name(change: Callable[[], None]) -> None:
    assert task("describeStatement")._get_boto_service_name() != "redshift-data"
    change()
    assert task("describeStatement")._get_boto_service_name() == "redshift-data"


def test_errors_of_the_data_api_have_its_name(change: Callable[[], None]) -> None:
    assert task("describeStatement")._normalise_service_error_name("redshiftdata") != "RedshiftData"
    change()
    assert task("describeStatement")._normalise_service_error_name("redshiftdata") == "RedshiftData"


def records(task: Any) -> Any:
    answer = {"Records": [[{"stringValue": "a"}, {"longValue": 1}]], "TotalNumRows": 1}
    task._normalise_response(answer, boto_service_name="redshift-data", service_action_name="getStatementResult")
    return answer["Records"]


def test_members_of_a_list_in_a_list_are_named_as_step_functions_does(change: Callable[[], None]) -> None:
    assert records(task("getStatementResult")) != [[{"StringValue": "a"}, {"LongValue": 1}]]
    change()
    assert records(task("getStatementResult")) == [[{"StringValue": "a"}, {"LongValue": 1}]]


def test_jsonata_needs_no_java(change: Callable[[], None]) -> None:
    from localstack.services.stepfunctions.asl.jsonata import jsonata

    # A Maven package, for a Java in this process.
    assert jsonata._eval_jsonata is None
    assert "jpype" in inspect.getsource(jsonata._JSONataJVMBridge)
    change()
    assert jsonata.eval_jsonata_expression("1 + 1") == 2


def environment(states: Mapping[str, Any], variables: Mapping[str, Any]) -> Any:
    store = SimpleNamespace(_outer_scope={}, _inner_scope=dict(variables))
    held = SimpleNamespace(_states_data=dict(states))
    told: list[Any] = []
    return SimpleNamespace(
        stack=[],
        states=held,
        variable_store=store,
        next_state_name="S",
        event_history_context=SimpleNamespace(source_event_id=1),
        event_manager=SimpleNamespace(add_event=lambda **event: told.append(event)),
        told=told,
    )


def test_a_variable_may_hold_quotes_and_line_breaks(change: Callable[[], None]) -> None:
    from localstack.services.stepfunctions.asl.jsonata import jsonata

    text = 'a "b"\nc'
    assert jsonata.encode_jsonata_variable_declarations({"$text": text}) == f'$text:="{text}";'
    change()
    env = environment({"input": {"x": "1"}}, {"text": text})
    theirs(EXPRESSION, "StringJSONata")(expression="$states.input.x & $text")._eval_body(env)
    assert env.stack == ["1" + text]


def test_an_expression_that_fails_fails_the_state_with_its_text(change: Callable[[], None]) -> None:
    change()
    env = environment({"input": {}}, {})
    with pytest.raises(theirs(FAILURE, "FailureEventException")) as error:
        theirs(EXPRESSION, "StringJSONata")(expression="$states.input.missing")._eval_body(env)
    event = error.value.failure_event
    assert event.error_name.error_name == "States.QueryEvaluationError"
    details = event.event_details["evaluationFailedEventDetails"]
    assert "$states.input.missing" in details["cause"]
    ((told, cause),) = [(event["event_type"], event["event_details"]) for event in env.told]
    assert told == "EvaluationFailed"
    assert cause["evaluationFailedEventDetails"]["cause"].endswith(details["cause"])


def test_a_definition_is_refused_for_its_expressions(change: Callable[[], None]) -> None:
    text = (
        '{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass", "Output": "%s", "End": true}}}'
    )
    analyser = theirs("asl.static_analyser.static_analyser", "StaticAnalyser")
    analyser().analyse(text % "{% $a ?? 1 %}")
    change()
    analyser().analyse(text % "{% $exists($a) ? $a : 1 %}")
    with pytest.raises(theirs("asl.parse.asl_parser", "ASLParserException")) as error:
        analyser().analyse(text % "{% $a ?? 1 %}")
    assert repr(error.value) == (
        'Invalid State Machine Definition: \'INVALID_JSONATA_EXPRESSION: The symbol "?" cannot be used as a unary '
        "operator at /States/A/Output'"
    )


def test_escapes_of_a_definition_are_json(change: Callable[[], None]) -> None:
    literal = SimpleNamespace(getText=lambda: r'"\ud83d\ude00 \/ a\\nb \u0026"')
    read = LOCALSTACK.module("asl.parse.preprocessor")
    assert read.from_string_literal(literal) != "😀 / a\\nb &"
    change()
    assert read.from_string_literal(literal) == "😀 / a\\nb &"
    assert read.Preprocessor._inner_string_of(literal) == "😀 / a\\nb &"


def test_the_time_of_a_state_is_utc_with_a_z() -> None:
    entered = "2026-11-24T10:00:00.123456+00:00"
    env = environment({"context": {"State": {"EnteredTime": entered}}}, {})
    named = expressions.variables(env, {"states"}, theirs("asl.utils.encoding", "to_json_str"))
    assert named["states"]["context"]["State"]["EnteredTime"] == "2026-11-24T10:00:00.123Z"


@pytest.mark.parametrize("service", ["glue", "sfn"])
def test_localstack_stops_nothing_that_it_no_longer_waits_for(service: str) -> None:
    source = inspect.getsource(LOCALSTACK.module(f"{SERVICE}.state_task_service_{service}"))
    assert "batch_stop_job_run" not in source
    assert "stop_execution" not in source


def test_localstack_writes_the_times_of_a_status_event_as_text() -> None:
    began = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    fields = {"exec_arn": "arn", "exec_status": "RUNNING", "start_date": began, "stop_date": None, "name": "n"}
    nothing = dict.fromkeys(("input_data", "input_details", "output", "output_details", "error", "cause"))
    sent: list[dict[str, Any]] = []
    client = SimpleNamespace(put_events=lambda Entries: sent.extend(Entries))  # noqa: N803
    execution = SimpleNamespace(
        **fields, **nothing, state_machine=SimpleNamespace(arn="machine"), _get_events_client=lambda: client
    )
    theirs("backend.execution", "Execution").publish_execution_status_change_event(execution)
    assert not isinstance(json.loads(sent[0]["Detail"])["startDate"], int)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """LocalStack as its makers ship it."""
    with emulators.serve("plain-localstack", tmp_path_factory.mktemp("plain")) as url:
        yield url


@pytest.mark.endpoint
def test_localstack_forgets_the_tracing_and_what_an_execution_was_stopped_with(plain: str) -> None:
    client = Clients(plain, "us-east-1").get("stepfunctions")
    states = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}
    machine = client.create_state_machine(
        name="waiting",
        definition=json.dumps({"StartAt": "Wait", "States": states}),
        roleArn="arn:aws:iam::000000000000:role/r",
        tracingConfiguration={"enabled": True},
    )["stateMachineArn"]
    assert "tracingConfiguration" not in client.describe_state_machine(stateMachineArn=machine)
    execution = client.start_execution(stateMachineArn=machine)["executionArn"]
    client.stop_execution(executionArn=execution, error="Stopped", cause="by a test")
    described = client.describe_execution(executionArn=execution)
    assert "error" not in described
    assert "cause" not in described


def test_the_name_of_an_execution_may_be_beyond_ascii(change: Callable[[], None]) -> None:
    provider = importlib.import_module("localstack.services.stepfunctions.provider")
    arn = f"arn:aws:states:us-east-1:000000000000:execution:machine:{'ü' * 80}"
    with pytest.raises(provider.InvalidArn):
        provider.StepFunctionsProvider._validate_state_machine_execution_arn(arn)
    change()
    provider.StepFunctionsProvider._validate_state_machine_execution_arn(arn)
    for bad in (arn + "ü", arn[:-1] + "*", arn[:-1] + " "):
        with pytest.raises(provider.InvalidArn):
            provider.StepFunctionsProvider._validate_state_machine_execution_arn(bad)


def test_a_failed_execution_is_redriven_as_the_same(change: Callable[[], None]) -> None:
    assert not hasattr(theirs("backend.execution", "Execution"), "redrive")
    change()
    role, arn = "arn:aws:iam::000000000000:role/r", "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    count = "$states.context.Execution.RedriveCount"
    states = {
        "First": {"Type": "Pass", "Assign": {"kept": 1}, "Next": "Choice"},
        "Choice": {"Type": "Choice", "Choices": [{"Condition": f"{{% {count} > 0 %}}", "Next": "Last"}]},
        "Last": {"Type": "Pass", "Output": [f"{{% {count} %}}", "{% $kept %}"], "End": True},
    }
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "First", "States": states})
    machine = theirs("backend.state_machine", "StateMachineRevision")("m", arn, definition, role, {}, None)
    # Of the type of those that wait for their end.
    execution = theirs("backend.execution", "SyncExecution")(
        name="e",
        sm_type="STANDARD",
        role_arn=role,
        exec_arn=f"{arn.replace(':stateMachine:', ':execution:')}:e",
        account_id="000000000000",
        region_name="us-east-1",
        state_machine=machine,
        start_date=datetime.now(UTC),
        cloud_watch_logging_session=None,
        activity_store={},
        input_data={},
    )
    execution.start()
    assert (execution.exec_status, execution.to_describe_output()["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    execution.redrive()
    assert (execution.exec_status, execution.output) == ("SUCCEEDED", [1, 1])
    described = execution.to_describe_output()
    assert (described["redriveCount"], described["redriveStatus"]) == (1, "NOT_REDRIVABLE")
