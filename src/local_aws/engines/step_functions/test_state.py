"""TestState: one state runs by itself, for real or with a given answer of what it calls.

https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from local_aws.engines.step_functions import diagnostics, field_places, mock_results
from local_aws.engines.step_functions.execution_runs import ExecutionRun
from local_aws.engines.step_functions.expressions import as_aws_writes
from local_aws.engines.step_functions.mock_results import Mock
from local_aws.engines.step_functions.program_progress import ProgramProgress
from local_aws.engines.step_functions.store import Store
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject

# What AWS calls the state, whatever its name is.
_STATE: Final = "StateName"
_EXECUTION_TYPES: Final = ("Task", "Map", "Parallel")
_NO_MAP: Final = (
    "TestState API does not support Map or Parallel states. "
    "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
)


class _Stopped(Exception):  # noqa: N818 - no error: the state is to be retried
    """A retrier would have the state try again."""


class SingleStates:
    """Answers TestState.

    Args:
        store: whose activities, ARNs and interpreter are used.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def answer(self, request: JsonMapping) -> JsonObject:
        """TestState.

        Raises:
            AwsError: InvalidDefinition, InvalidExecutionInput, ValidationException.
        """
        state, language = self._state(request)
        mock = mock_results.read(self._store.interpreter, request, state)
        if state["Type"] == "Task" and mock is None and not request.get("roleArn"):
            raise AwsError("ValidationException", "RoleArn must be specified when testing a Task state")
        run = _Run(self._store, request, state, language, mock)
        answer = run.outcome()
        if request.get("inspectionLevel") in ("DEBUG", "TRACE"):
            answer["inspectionData"] = run.seen
        return answer

    def _state(self, request: JsonMapping) -> tuple[JsonMapping, str]:
        """The state that is asked for, and the query language around it."""
        definition = request["definition"]
        name = request.get("stateName")
        if name is not None:
            diagnostics.refuse(diagnostics.diagnose(definition, "STANDARD"))
            machine = json.loads(definition)
            found = _find(machine, name, machine.get("QueryLanguage", "JSONPath"))
            if found is None:
                raise AwsError("ValidationException", "State not found in definition")
            state, language = found
        else:
            try:
                state, language = json.loads(definition), "JSONPath"
            except ValueError:
                diagnostics.refuse(diagnostics.diagnose(definition, "STANDARD"))
                raise
            diagnostics.refuse(diagnostics.state(state, _STATE))
        if state["Type"] in ("Map", "Parallel") and not request.get("mock"):
            raise AwsError(*_refused_without_mock(request))
        return state, language


def _refused_without_mock(request: JsonMapping) -> tuple[str, str]:
    if "mapIterationFailureCount" in (request.get("stateConfiguration") or {}):
        message = "TestState does not support MapIterationFailureCount when a mock is not specified."
        return "ValidationException", message
    return "InvalidDefinition", _NO_MAP


def _find(machine: JsonMapping, name: str, language: str) -> tuple[JsonMapping, str] | None:
    states = machine["States"]
    if name in states:
        return states[name], language
    for state in states.values():
        own = state.get("QueryLanguage", language)
        nested = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        for inner in nested:
            found = _find(inner, name, inner.get("QueryLanguage", own)) if inner else None
            if found:
                return found
    return None


class _Run:
    """One evaluation of a state. `seen` is the answer's inspectionData."""

    def __init__(
        self, store: Store, request: JsonMapping, state: Mapping[str, object], language: str, mock: Mock | None
    ) -> None:
        self._interpreter = store.interpreter
        self._declared = state
        self._mock = mock
        self._jsonpath = state.get("QueryLanguage", language) == "JSONPath"
        self._configuration = request.get("stateConfiguration") or {}
        self._to_json = self._interpreter.get("asl.utils.encoding", "to_json_str")
        self.seen: JsonObject = {}
        machine = json.dumps({"QueryLanguage": language, "StartAt": _STATE, "States": {_STATE: dict(state)}})
        parser = self._interpreter.get("asl.parse.asl_parser", "AmazonStateLanguageParser")
        try:
            program, _ = parser.parse(machine)
        except Exception as error:  # the interpreter's parser raises anything for what it cannot read
            said = f"{type(error).__name__}: {error}"
            raise AwsError("InvalidDefinition", f"Invalid State Machine Definition: '{said}'") from error
        field_places.note(program)
        self._state = program.states.states[_STATE]
        self._input = _json(request.get("input") or "{}", "input")
        self._variables = _json(request.get("variables") or "{}", "variables")
        self._env = self._environment(store, request)
        self._catcher: int | None = None
        self._watch()

    def outcome(self) -> JsonObject:
        """The answer but for the inspection data."""
        self.seen["input"] = self._to_json(self._input)
        try:
            answer = self._evaluated()
        finally:
            # Those that were given and those that the state assigned.
            store = self._env.variable_store
            if variables := {**store._outer_scope, **store._inner_scope}:
                self.seen["variables"] = self._to_json(variables)
        return answer

    def _evaluated(self) -> JsonObject:
        failed = self._interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")
        try:
            self._state.eval(self._env)
        except _Stopped:
            return {"status": "RETRIABLE", **self._error()}
        except failed as error:
            name, cause = error.extract_error_cause_pair() or (None, None)
            self._failure = (name, cause)
            return {"status": "FAILED", **self._error()}
        except Exception as error:  # what the interpreter raises for a state that cannot go on
            self._failure = ("States.Runtime", str(error))
            return {"status": "FAILED", **self._error()}
        answer = {"status": "SUCCEEDED", "output": self._to_json(self._env.states.get_input())}
        following = self._env.next_state_name
        if following not in (None, _STATE):
            answer["nextState"] = following
        if self._catcher is not None:
            answer.update(status="CAUGHT_ERROR", **self._error())
        return answer

    def _error(self) -> JsonObject:
        name, cause = self._failure
        return {key: value for key, value in (("error", name), ("cause", cause)) if value is not None}

    def _environment(self, store: Store, request: JsonMapping) -> Any:
        interpreter = self._interpreter
        execution, machine = str(uuid4()), str(uuid4())
        role = request.get("roleArn")
        context = {
            "Execution": {
                "Id": store.arn("express", f"{machine}:{execution}"),
                "Input": self._input,
                "Name": execution,
                "RoleArn": role,
                "StartTime": as_aws_writes(datetime.now(UTC)),
            },
            "StateMachine": {"Id": store.arn("stateMachine", machine), "Name": machine},
        }
        details = interpreter.get("asl.eval.evaluation_details", "AWSExecutionDetails")(
            account=store.account_id, region=store.region, role_arn=role
        )
        variables = interpreter.get("asl.eval.variable_store", "VariableStore")()
        for name, value in self._variables.items():
            variables.set(name, value)
        variables.reset_tracing()
        env = interpreter.get("asl.eval.environment", "Environment")(
            aws_execution_details=details,
            execution_type=interpreter.of_api("StateMachineType").STANDARD,
            context=context,
            event_history_context=interpreter.get(
                "asl.eval.event.event_manager", "EventHistoryContext"
            ).of_program_start(),
            cloud_watch_logging_session=None,
            activity_store=store.activities,
            variable_store=variables,
        )
        env.next_state_name = _STATE
        env.run = ExecutionRun(ProgramProgress())
        return env

    # What is seen, and what is not called

    def _watch(self) -> None:
        state, kind = self._state, self._declared["Type"]
        if self._jsonpath and kind != "Parallel" and not (kind == "Pass" and "Result" in self._declared):
            self._see_after(state.input_path, "afterInputPath")
        if kind == "Pass" and self._jsonpath:
            self._watch_pass()
        elif kind in _EXECUTION_TYPES:
            self._watch_execution()

    def _watch_pass(self) -> None:
        state = self._state
        evaluate = state._eval_state

        def watched(env: Any) -> None:
            if "Result" in self._declared:
                result = json.dumps(self._declared["Result"])
                self.seen["result"] = self.seen["afterResultSelector"] = result
            else:
                if state.parameters:
                    self._see_after(state.parameters, "afterParameters")
                else:
                    self.seen["afterParameters"] = self._to_json(env.stack[-1])
            if state.result_path:
                self._see_before(state.result_path, "afterResultSelector")
                self._see_after(state.result_path, "afterResultPath")
            evaluate(env)
            if not state.result_path:
                self.seen.setdefault("afterResultSelector", self._to_json(env.stack[-1]))
                self.seen["afterResultPath"] = self._to_json(env.stack[-1])

        state._eval_state = watched

    def _watch_execution(self) -> None:
        state, kind = self._state, self._declared["Type"]
        if self._mock is not None and self._mock.context is not None:
            self._use_context(self._mock.context)
        if kind == "Task":
            self._watch_task()
        else:
            self._watch_branches(state.branches if kind == "Parallel" else state.iteration_component)
        if kind == "Map":
            self._watch_map()
        if self._jsonpath:
            if state.result_selector:
                self._see_after(state.result_selector, "afterResultSelector")
            self._see_before(state.result_path, "afterResultSelector", only_missing=True)
            self._see_after(state.result_path, "afterResultPath")
        elif state.result_selector:
            self._see_after(state.result_selector, "afterResultSelector")
        state._handle_retry = self._retry
        state._handle_catch = self._catch_with(state._handle_catch)
        state._handle_uncaught = self._uncaught_with(state._handle_uncaught)

    def _watch_task(self) -> None:
        state = self._state
        evaluate = state._eval_execution
        # As they are written: what the interpreter makes of them for the call is no part of it.
        self._see_after(state.parargs, "afterParameters" if self._jsonpath else "afterArguments")

        def run(env: Any) -> None:
            if state.parargs is None and self._jsonpath:
                self.seen["afterParameters"] = self._to_json(env.stack[-1])
            if self._mock is None:
                evaluate(env)
            else:
                state._eval_parameters(env=env)
                env.stack.append(self._answer_of_mock(env))
            self.seen["result"] = self._to_json(env.stack[-1])

        state._eval_execution = run

    def _watch_map(self) -> None:
        state, declared = self._state, self._declared
        if self._jsonpath:
            self._see_after(state.items_path, "afterItemsPath")
            if state.item_selector:
                self._see_after(state.item_selector, "afterItemSelector")
        self._see_value(state.max_concurrency_decl, "maxConcurrency", int)
        for field, component, kind in (
            ("toleratedFailureCount", state.tolerated_failure_count_decl, int),
            ("toleratedFailurePercentage", state.tolerated_failure_percentage_decl, float),
        ):
            # A default is not shown.
            if any(f"{field[0].upper()}{field[1:]}{end}" in declared for end in ("", "Path")):
                self._see_value(component, field, kind)

    def _watch_branches(self, component: Any) -> None:
        """The branches, or the iterations, do not run: TestState needs a mock for these states."""

        def answered(env: Any) -> None:
            env.stack.pop()
            env.stack.append(self._answer_of_mock(env))

        component._eval_body = answered
        if self._declared["Type"] == "Map":
            self._state.result_writer = None

    def _answer_of_mock(self, env: object) -> Any:
        mock = self._mock
        assert mock is not None
        error = mock.error or self._exceeded()
        if error is None:
            return json.loads(json.dumps(mock.result))
        interpreter = self._interpreter
        failure = interpreter.get("asl.component.common.error_name.failure_event", "FailureEvent")
        details = interpreter.of_api("TaskFailedEventDetails")(error=error.get("error"), cause=error.get("cause"))
        raise interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")(
            failure_event=failure(
                env=env,
                error_name=interpreter.get("asl.component.common.error_name.error_name", "ErrorName")(
                    error.get("error")
                ),
                event_type=interpreter.of_api("HistoryEventType").TaskFailed,
                event_details=interpreter.get("asl.eval.event.event_detail", "EventDetails")(
                    taskFailedEventDetails=details
                ),
            )
        )

    def _exceeded(self) -> dict[str, str] | None:
        """The error of a Map whose given number of failed iterations is more than it tolerates."""
        failures = self._configuration.get("mapIterationFailureCount")
        tolerated = self.seen.get("toleratedFailureCount")
        share = self.seen.get("toleratedFailurePercentage")
        mock = self._mock
        iterations = len(mock.result) if mock and isinstance(mock.result, list) else 0
        too_many = tolerated is not None and failures is not None and failures > tolerated
        too_large = share is not None and failures and iterations and failures / iterations * 100 > share
        if not (too_many or too_large):
            return None
        return {
            "error": "States.ExceedToleratedFailureThreshold",
            "cause": "The specified tolerated failure threshold was exceeded",
        }

    def _use_context(self, context: Mapping[str, object]) -> None:
        data = self._env.states.context_object.context_object_data
        state = self._state
        enter, open_frame = state._eval_state, self._env.open_frame

        def entered(env: object) -> None:
            # The interpreter has written the state's own part by now, and counts retries in it.
            _replace(data, {"State": {}, **context})
            enter(env)

        def framed(*arguments: object, **named: object) -> Any:
            # A frame is made of a whole context.
            _replace(data, {**data, "Execution": {"Input": self._input}, "StateMachine": {}})
            frame = open_frame(*arguments, **named)
            _replace(frame.states.context_object.context_object_data, context)
            _replace(data, {"State": {}, **context})
            return frame

        state._eval_state, self._env.open_frame = entered, framed

    # Errors

    def _retry(self, env: object, failure_event: object) -> Any:
        outcome = self._interpreter.get("asl.component.common.retry.retry_outcome", "RetryOutcome")
        done = self._configuration.get("retrierRetryCount", 0)
        for index, retrier in enumerate(self._state.retry.retriers):
            if not self._matches(env, retrier.error_equals, failure_event):
                continue
            details = self.seen.setdefault("errorDetails", {})
            details["retryIndex"] = index
            if done >= retrier.max_attempts.attempts:
                return outcome.CannotRetry
            seconds = retrier.interval_seconds.seconds * retrier.backoff_rate.rate**done
            details["retryBackoffIntervalSeconds"] = int(min(seconds, retrier.max_delay_seconds.max_delays_seconds))
            self._keep(failure_event)
            raise _Stopped
        return outcome.NoRetrier

    def _catch_with(self, handle: Callable[..., None]) -> Callable[..., None]:
        def caught(env: Any, failure_event: object) -> None:
            handle(env=env, failure_event=failure_event)
            outcome = self._interpreter.get("asl.component.common.catch.catch_outcome", "CatchOutcome")
            if env.stack[-1] != outcome.Caught:
                return
            self._keep(failure_event)
            for index, catcher in enumerate(self._state.catch.catchers):
                if self._matches(env, catcher.error_equals, failure_event):
                    self._catcher = index
                    # A retrier that has given up is not what ends the state.
                    self.seen["errorDetails"] = {"catchIndex": index}
                    return

        return caught

    def _uncaught_with(self, handle: Callable[..., None]) -> Callable[..., None]:
        def uncaught(env: object, failure_event: object) -> None:
            self._keep(failure_event)
            handle(env=env, failure_event=failure_event)

        return uncaught

    def _matches(self, env: Any, error_equals: Any, failure_event: Any) -> bool:
        env.stack.append(failure_event.error_name)
        error_equals.eval(env)
        return bool(env.stack.pop())

    def _keep(self, failure_event: Any) -> None:
        details = next(iter((failure_event.event_details or {"": {}}).values()))
        self._failure = (details.get("error"), details.get("cause"))

    # Where values are seen

    def _see_after(self, component: Any, name: str) -> None:
        if component is None:
            return
        evaluate = component._eval_body

        def seen(env: Any) -> None:
            evaluate(env)
            self.seen[name] = self._to_json(env.stack[-1])

        component._eval_body = seen

    def _see_before(self, component: Any, name: str, *, only_missing: bool = False) -> None:
        if component is None:
            return
        evaluate = component._eval_body

        def seen(env: Any) -> None:
            if not (only_missing and name in self.seen):
                self.seen[name] = self._to_json(env.stack[-1])
            evaluate(env)

        component._eval_body = seen

    def _see_value(self, component: Any, name: str, kind: Callable[[Any], Any]) -> None:
        evaluate = component._eval_body

        def seen(env: Any) -> None:
            evaluate(env)
            self.seen[name] = kind(env.stack[-1])

        component._eval_body = seen


def _replace(context: JsonObject, other: Mapping[str, object]) -> None:
    copied = json.loads(json.dumps(other))
    context.clear()
    context.update(copied)


def _json(text: str, member: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        code = "InvalidExecutionInput" if member == "input" else "ValidationException"
        raise AwsError(code, f"Invalid {member}: '{error}'") from error
