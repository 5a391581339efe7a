"""JSONata by our evaluator: over the values that an expression names, and with AWS's functions.

LocalStack would fetch a Java library, and moto has none. Both write the variables into the expression's text, where a
string with a quote or a line break breaks it, and each evaluation parses them all.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from aws_facts.jsonata import number_refusal
from local_aws import jsonata
from local_aws.engines.step_functions import field_places
from local_aws.engines.step_functions.interpreter import Changes
from local_aws.json_types import JsonObject
from local_aws.jsonata import refused_definitions


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
        except jsonata.EvaluationError as error:
            raise library.JSONataException("States.QueryEvaluationError", str(error)) from error

    def evaluation_failed(env: Any, cause: str, field: str | None) -> Exception:
        name = states_error(typ=error_type.StatesQueryEvaluationError)
        kind = interpreter.of_api("HistoryEventType").EvaluationFailed
        details = interpreter.of_api("EvaluationFailedEventDetails")(cause=cause, error=name.error_name)
        if field:
            details["location"] = field
        event = failure(
            env=env,
            error_name=name,
            event_type=kind,
            event_details=event_details(evaluationFailedEventDetails=_Told(details)),
        )
        raised: Exception = failed(failure_event=event)
        told = dict(raised.get_evaluation_failed_event_details())  # type: ignore[attr-defined]
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=kind,
            event_details=event_details(evaluationFailedEventDetails=told),
        )
        # A Map state tells it again, with these; a Task state with the error's own.
        raised.get_evaluation_failed_event_details = lambda: _Told(told)  # type: ignore[attr-defined]
        return raised

    def evaluate_expression(self: Any, env: Any) -> None:
        place = field_places.of(self)
        try:
            named = variables(env, jsonata.variables_in(self.expression), to_json_str)
            value = jsonata.evaluate(self.expression, named, place.expected)
            if place.expected == "number" and (refused := number_refusal(place.field.split("/")[-1], value)):
                raise jsonata.EvaluationError(self.expression, refused)
            env.stack.append(value)
        except jsonata.EvaluationError as error:
            raise evaluation_failed(
                env, error.cause(place.field) if place.field else str(error), place.field
            ) from error

    expression = interpreter.get("asl.component.common.string.string_expression", "StringJSONata")
    changes.replace(library, "_eval_jsonata", evaluate_text)
    changes.replace(expression, "_eval_body", evaluate_expression)

    timestamp = interpreter.get("asl.component.state.wait.wait_function.timestamp", "Timestamp")

    def seconds_to_wait(self: Any, env: Any) -> int:
        self.string.eval(env=env)
        text = env.stack.pop()
        moment = self._from_timestamp_string(timestamp=text)
        if moment is not None:
            # In UTC, wherever this machine is.
            return int((moment.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())
        if isinstance(self.string, expression):
            # What an expression gives is wrong as its result, not as the definition's.
            message = "cannot be parsed as an ISO-8601 extended offset date-time format string"
            raise evaluation_failed(env, f"The Timestamp field {message}: {text}", "Timestamp")
        raise failed(failure_event=self._create_failure_event(env, text))

    changes.replace(timestamp, "_get_wait_seconds", seconds_to_wait)

    manager = interpreter.get("asl.eval.event.event_manager", "EventManager")
    add_event = manager.add_event

    def add_once(
        self: object, context: Any, event_type: object, event_details: Any = None, *others: object, **named: object
    ) -> Any:
        if isinstance((event_details or {}).get("evaluationFailedEventDetails"), _Told):
            return context.last_published_event_id
        return add_event(self, context, event_type, event_details, *others, **named)

    changes.replace(manager, "add_event", add_once)

    parser_error = interpreter.get("asl.parse.asl_parser", "ASLParserException")
    # The message of InvalidDefinition is what repr gives.
    refused = type("RefusedExpression", (parser_error,), {"__repr__": lambda self: self.errors[0]})
    analyser = interpreter.get("asl.static_analyser.static_analyser", "StaticAnalyser")
    analyse = analyser.analyse

    def analyse_expressions(self: object, definition: str) -> None:
        analyse(self, definition)
        found = refused_definitions.problems(json.loads(definition))
        if found:
            raise refused([f"Invalid State Machine Definition: '{found[0]}'"])

    changes.replace(analyser, "analyse", analyse_expressions)
    # A text's escapes are JSON's, which has others than Python.
    utils = interpreter.module("asl.antlt4utils.antlr4utils")
    preprocessor = interpreter.module("asl.parse.preprocessor")
    for module in (utils, preprocessor):
        changes.replace(module, "from_string_literal", text_of)
    changes.replace(preprocessor.Preprocessor, "_inner_string_of", staticmethod(text_of))


class _Told(dict[str, Any]):
    """Details of a failed evaluation that the history has."""


def text_of(parser_rule_context: Any) -> str | None:
    """The text that a literal of a definition stands for."""
    written = str(parser_rule_context.getText())
    if written == "null":
        return None
    return str(json.loads(written, strict=False)) if written.startswith('"') else written


def variables(env: Any, names: set[str], to_json_str: Any) -> dict[str, Any]:
    """The values that an expression may name, as JSON: `states`, and the variables in scope."""
    store = env.variable_store
    known = {**store._outer_scope, **store._inner_scope}
    found: dict[str, Any] = {name: known[name] for name in names & known.keys()}
    if "states" in names:
        states = {name: value for name, value in env.states._states_data.items() if name != "errorOutput" or value}
        found["states"] = states
    plain: JsonObject = json.loads(to_json_str(found))
    state = plain.get("states", {}).get("context", {}).get("State", {})
    if "EnteredTime" in state:
        state["EnteredTime"] = as_aws_writes(datetime.fromisoformat(state["EnteredTime"]))
    return plain


def as_aws_writes(time: datetime) -> str:
    """UTC with a Z and milliseconds: the interpreters write an offset and microseconds."""
    moment = time.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
