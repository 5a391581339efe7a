"""What the endpoint leans on in moto's interpreter, much of it private: a failure here says that moto has changed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_aws.engines import step_functions
from local_aws.engines.step_functions import changes
from local_aws.engines.step_functions.interpreter import MOTO, SERVICE, Changes
from local_aws.services.faults.fault_rules import Faults

PACKAGE = Path(step_functions.__file__).parent


def asked_for() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The calls of Interpreter.module, .get and .of_api in our modules, with their arguments."""
    for path in sorted(PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("module", "get", "of_api")
                and ast.unparse(node.func.value).rpartition(".")[2] == "interpreter"
            ):
                yield (
                    node.func.attr,
                    tuple(
                        eval(ast.unparse(argument), {"SERVICE": SERVICE})
                        for argument in node.args
                        if not isinstance(argument, ast.Name | ast.Starred)
                    ),
                )


@pytest.mark.parametrize(("kind", "arguments"), sorted(set(asked_for())))
def test_moto_has(kind: str, arguments: tuple[str, ...]) -> None:
    if arguments:
        assert getattr(MOTO, kind)(*arguments) is not None


def test_names_are_asked_for() -> None:
    assert len(set(asked_for())) > 30


OF_A_TASK = "env resource_runtime_part normalised_parameters state_credentials"
OF_AN_API = "boto_service_name service_action_name"
OF_AN_EXECUTION = (
    "name sm_type role_arn exec_arn account_id region_name state_machine start_date cloud_watch_logging_session "
    "activity_store input_data trace_header"
)
METHODS = [
    ("backend.execution", "Execution.__init__", OF_AN_EXECUTION),
    ("backend.execution", "Execution.start", ""),
    ("backend.execution", "Execution.stop", "stop_date error cause"),
    ("backend.execution", "Execution.get_start_execution_details", ""),
    ("backend.execution", "Execution._get_start_execution_worker", ""),
    ("backend.execution", "Execution.to_describe_output", ""),
    ("backend.execution", "Execution.to_execution_list_item", ""),
    ("backend.execution", "Execution.to_history_output", ""),
    ("backend.execution", "BaseExecutionWorkerCommunication.terminated", ""),
    ("backend.execution_worker", "ExecutionWorker.start", ""),
    ("backend.execution_worker", "SyncExecutionWorker.start", ""),
    ("backend.execution_worker", "ExecutionWorker._get_evaluation_entrypoint", ""),
    ("backend.execution_worker", "ExecutionWorker._get_evaluation_environment", ""),
    ("asl.component.program.program", "Program.eval", "env"),
    ("asl.component.eval_component", "EvalComponent.eval", "env"),
    ("asl.eval.environment", "Environment.set_error", "error"),
    ("asl.eval.environment", "Environment.as_inner_frame_of", "env variable_store event_history_frame_cache"),
    ("asl.component.state.state", "CommonStateField._eval_body", "env"),
    ("asl.component.state.exec.state_map.state_map", "StateMap._eval_execution", "env"),
    ("asl.component.state.exec.state_parallel.state_parallel", "StateParallel._eval_execution", "env"),
    ("asl.component.state.exec.state_parallel.branches_decl", "BranchesDecl.__init__", "programs"),
    ("asl.component.state.exec.state_map.iteration.iteration_worker", "IterationWorker._eval_job", "env job"),
    ("asl.eval.environment", "Environment.set_stop", "stop_date cause error"),
    ("asl.eval.environment", "Environment.set_timed_out", ""),
    ("asl.eval.environment", "Environment.is_frame", ""),
    (
        "asl.eval.event.event_manager",
        "EventManager.add_event",
        "context event_type event_details timestamp update_source_event_id",
    ),
    ("asl.parse.preprocessor", "Preprocessor.__init__", None),
    ("asl.parse.asl_parser", "AmazonStateLanguageParser.parse", "definition"),
    ("asl.jsonata.jsonata", "eval_jsonata_expression", "jsonata_expression"),
    ("asl.component.common.string.string_expression", "StringJSONata._eval_body", "env"),
    (f"{SERVICE}.state_task_service", "StateTaskService._from_boto_response", "response structure_shape"),
    (f"{SERVICE}.state_task_service", "StateTaskService._to_boto_request", "parameters structure_shape"),
    (f"{SERVICE}.state_task_service", "StateTaskService._normalise_parameters", f"parameters {OF_AN_API}"),
    (f"{SERVICE}.state_task_service", "StateTaskService._normalise_response", f"response {OF_AN_API}"),
    (f"{SERVICE}.state_task_service_aws_sdk", "StateTaskServiceAwsSdk._normalise_service_error_name", "service_name"),
    (
        f"{SERVICE}.state_task_service_aws_sdk",
        "StateTaskServiceAwsSdk._normalise_exception_name",
        "norm_service_name ex",
    ),
    (f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn._from_error", "env ex"),
    (f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn._build_sync_resolver", OF_A_TASK),
    (f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn._build_sync2_resolver", OF_A_TASK),
    (f"{SERVICE}.state_task_service_glue", "StateTaskServiceGlue._build_sync_resolver", OF_A_TASK),
    (f"{SERVICE}.state_task_service_callback", "StateTaskServiceCallback._eval_integration_pattern", OF_A_TASK),
    (f"{SERVICE}.state_task_service_glue", "StateTaskServiceGlue._eval_service_task", OF_A_TASK),
    (f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn._eval_service_task", OF_A_TASK),
    ("asl.utils.boto_client", "boto_client_for", "region service state_credentials"),
]


@pytest.mark.parametrize(("path", "name", "parameters"), METHODS)
def test_moto_calls_it_so(path: str, name: str, parameters: str | None) -> None:
    owner: Any = MOTO.module(path)
    for part in name.split("."):
        owner = getattr(owner, part)
    if parameters is not None:
        named = [found for found in inspect.signature(owner).parameters if found != "self"]
        assert " ".join(named) == parameters


# What moto lacks or does otherwise: a change that is needed no longer fails here.


def test_moto_keeps_the_query_languages_of_all_definitions_in_the_class() -> None:
    assert "_query_language_per_scope" in vars(MOTO.get("asl.parse.preprocessor", "Preprocessor"))


def test_moto_evaluates_no_jsonata() -> None:
    assert MOTO.module("asl.jsonata.jsonata")._eval_jsonata is None


def test_moto_names_no_members() -> None:
    source = inspect.getsource(MOTO.get(f"{SERVICE}.state_task_service", "StateTaskService")._normalise_parameters)
    assert source.rstrip().endswith("pass")


def test_moto_calls_a_server_of_its_own() -> None:
    assert "moto_server_port" in inspect.getsource(MOTO.module("asl.utils.boto_client"))


def test_moto_interrupts_an_endpoint_that_is_not_there() -> None:
    source = inspect.getsource(MOTO.module(f"{SERVICE}.state_task_service_callback"))
    assert "            callback_endpoint.interrupt_all()" in source
    assert "if callback_endpoint:" not in source


@pytest.mark.parametrize("service", ["glue", "sfn"])
def test_moto_stops_nothing_that_it_no_longer_waits_for(service: str) -> None:
    source = inspect.getsource(MOTO.module(f"{SERVICE}.state_task_service_{service}"))
    assert "batch_stop_job_run" not in source
    assert "stop_execution" not in source


def test_everything_is_put_back() -> None:
    program, execution = (
        MOTO.get("asl.component.program.program", "Program"),
        MOTO.get("backend.execution", "Execution"),
    )
    before = program.eval
    made = changes.apply(MOTO, emit=lambda *_: None, note=lambda *_: None, faults=Faults(), client_for=lambda *_: None)
    assert program.eval is not before
    assert hasattr(execution, "redrive")
    made.undo()
    assert program.eval is before
    assert not hasattr(execution, "redrive")


def test_another_version_is_refused() -> None:
    with pytest.raises(AttributeError):
        Changes(MOTO).replace(MOTO.module("utils"), "no_such_name", None)
