"""JSONata by our evaluator: over the values that an expression names, and with AWS's functions.

LocalStack would fetch a Java library, and moto has none. Both write the variables into the expression's text, where a
string with a quote or a line break breaks it, and each evaluation parses them all.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from local_aws import jsonata
from local_aws.engines.step_functions.interpreter import Changes


def change(changes: Changes) -> None:
    """Evaluate by `local_aws.jsonata`, in JSONata states and where JSONPath states read a variable."""
    interpreter = changes.interpreter
    to_json_str = interpreter.get("asl.utils.encoding", "to_json_str")
    failure = interpreter.get("asl.component.common.error_name.failure_event", "FailureEvent")
    failed = interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")
    states_error = interpreter.get("asl.component.common.error_name.states_error_name", "StatesErrorName")
    error_type = interpreter.get("asl.component.common.error_name.states_error_name_type", "StatesErrorNameType")
    event_details = interpreter.get("asl.eval.event.event_detail", "EventDetails")
    library = interpreter.module("asl.jsonata.jsonata")

    def evaluate_text(expression: str) -> Any:
        try:
            return jsonata.evaluate(expression, {})
        except jsonata.QueryError as error:
            raise library.JSONataException("States.QueryEvaluationError", str(error)) from error

    def evaluate_expression(self: Any, env: Any) -> None:
        try:
            named = variables(env, jsonata.variables_in(self.expression), to_json_str)
            env.stack.append(jsonata.evaluate(self.expression, named))
        except jsonata.QueryError as error:
            name = states_error(typ=error_type.StatesQueryEvaluationError)
            details = interpreter.of_api("EvaluationFailedEventDetails")(cause=str(error), error=name.error_name)
            event = failure(
                env=env,
                error_name=name,
                event_type=interpreter.of_api("HistoryEventType").EvaluationFailed,
                event_details=event_details(evaluationFailedEventDetails=details),
            )
            raise failed(failure_event=event) from error

    expression = interpreter.get("asl.component.common.string.string_expression", "StringJSONata")
    changes.replace(library, "_eval_jsonata", evaluate_text)
    changes.replace(expression, "_eval_body", evaluate_expression)


def variables(env: Any, names: set[str], to_json_str: Any) -> dict[str, Any]:
    """The values that an expression may name, as JSON: `states`, and the variables in scope."""
    store = env.variable_store
    known = {**store._outer_scope, **store._inner_scope}
    found: dict[str, Any] = {name: known[name] for name in names & known.keys()}
    if "states" in names:
        states = {name: value for name, value in env.states._states_data.items() if name != "errorOutput" or value}
        found["states"] = states
    plain: dict[str, Any] = json.loads(to_json_str(found))
    state = plain.get("states", {}).get("context", {}).get("State", {})
    if "EnteredTime" in state:
        state["EnteredTime"] = as_aws_writes(datetime.fromisoformat(state["EnteredTime"]))
    return plain


def as_aws_writes(time: datetime) -> str:
    """UTC with a Z and milliseconds: the interpreters write an offset and microseconds."""
    moment = time.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
