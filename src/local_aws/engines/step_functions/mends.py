"""Small differences between the interpreters and AWS, each with its reason."""

from __future__ import annotations

import sys
from typing import Any

from aws_facts.states_api import (
    CAUGHT_BY_NOTHING,
    MOST_VARIABLE_BYTES,
    MOST_VARIABLES_BYTES,
    NOT_CAUGHT_BY_TASK_FAILED,
)
from local_aws.engines.step_functions.interpreter import SERVICE, Changes, Interpreter


def change(changes: Changes) -> None:
    """Mend them all."""
    _take_one_value_by_a_definite_path(changes)
    _take_labels_as_they_are(changes)
    _write_variables_as_json(changes)
    _allow_jsonpath_inside_jsonata(changes)
    _have_results_of_successes_only(changes)
    _count_tolerated_failures(changes)
    _match_errors_as_documented(changes)
    _need_what_a_choice_compares(changes)
    _need_a_choice(changes)
    _end_with_expired_runs(changes)
    _need_arrays_of_maps(changes)
    _limit_variables(changes)
    _give_outputs_the_variables_of_the_entry(changes)
    _write_assigned_texts_as_json(changes)
    _miss_deleted_activities(changes)
    _describe_nested_executions_as_recorded(changes)
    _prefer_what_a_token_was_sent(changes)
    _speak_to_s3_as_the_service_does(changes)


def _take_one_value_by_a_definite_path(changes: Changes) -> None:
    """A path that can lead to one place gives its value, `$[0].x` too; any other gives an array, of one value too."""
    interpreter = changes.interpreter
    module = interpreter.module("asl.utils.json_path")
    extract = module.extract_json

    def extract_json(path: str, data: object) -> Any:
        # A backslash in a name is one: the parser takes it for an escape.
        expression = module.parse(path.replace("\\", "\\\\"))
        found = expression.find(data)
        if not found:
            return extract(path, data)
        return found[0].value if _is_definite(expression) else [match.value for match in found]

    for name, user in list(sys.modules.items()):
        if name.startswith(f"{interpreter.root}.") and vars(user).get("extract_json") is extract:
            changes.replace(user, "extract_json", extract_json)


def _is_definite(expression: Any) -> bool:
    kind = type(expression).__name__
    if kind == "Child":
        return _is_definite(expression.left) and _is_definite(expression.right)
    if kind == "Fields":
        return len(expression.fields) == 1 and expression.fields[0] != "*"
    if kind == "Index":
        return len(getattr(expression, "indices", (0,))) == 1
    return kind in ("Root", "This")


def _take_labels_as_they_are(changes: Changes) -> None:
    # A label takes the escapes in its text for Python's; by now the text has none.
    class_ = changes.interpreter.get("asl.component.state.exec.state_map.label", "Label")
    made = class_.__init__

    def make(self: object, label: str) -> None:
        made(self, label.encode("unicode-escape").decode("ascii"))

    changes.replace(class_, "__init__", make)


def _write_variables_as_json(changes: Changes) -> None:
    # A JSONPath state reads a variable as JSONata in which all variables are written down, each text between quotes as
    # it is.
    interpreter = changes.interpreter
    to_json_str = interpreter.get("asl.utils.encoding", "to_json_str")

    def encode(bindings: dict[str, Any]) -> str:
        return "".join(f"{name}:={to_json_str(value, separators=(',', ':'))};" for name, value in bindings.items())

    for module in (interpreter.module("asl.eval.variable_store"), interpreter.module("asl.eval.states")):
        changes.replace(module, "encode_jsonata_variable_declarations", encode)


def _allow_jsonpath_inside_jsonata(changes: Changes) -> None:
    """A state may be JSONPath unless its whole state machine is JSONata: what is around it does not matter."""
    interpreter = changes.interpreter
    preprocessor = interpreter.get("asl.parse.preprocessor", "Preprocessor")
    jsonata = interpreter.get("asl.component.common.query_language", "QueryLanguageMode").JSONata
    open_scope = preprocessor._open_query_language_scope

    def open_below_machine(self: Any, parse_tree: object) -> None:
        scopes = self._query_language_per_scope
        if len(scopes) < 2 or scopes[0].query_language_mode == jsonata:
            open_scope(self, parse_tree)
            return
        # The scope is decided as if it stood in the machine itself.
        kept = list(scopes)
        del scopes[1:]
        try:
            open_scope(self, parse_tree)
        finally:
            scopes[1:] = [*kept[1:], *scopes[1:]]

    changes.replace(preprocessor, "_open_query_language_scope", open_below_machine)


def _have_results_of_successes_only(changes: Changes) -> None:
    """JSONata reads the error of a caught failure as `$states.errorOutput`; `$states.result` is undefined then."""
    interpreter = changes.interpreter
    states = interpreter.get("asl.eval.states", "States")
    reset, set_error_output, set_result = states.reset, states.set_error_output, states.set_result

    def reset_all(self: Any, input_value: Any) -> None:
        reset(self, input_value)
        for name in ("result", "errorOutput"):
            self._states_data.pop(name, None)
        self._error = None

    def keep_error_output(self: Any, error_output: Any) -> None:
        set_error_output(self, error_output)
        self._error = error_output

    def set_result_of_success(self: Any, result: Any) -> None:
        # Both interpreters set the error output as the result too.
        if result is not None and result is getattr(self, "_error", None):
            self._states_data.pop("result", None)
            return
        set_result(self, result)

    changes.replace(states, "reset", reset_all)
    changes.replace(states, "set_error_output", keep_error_output)
    changes.replace(states, "set_result", set_result_of_success)


def _count_tolerated_failures(changes: Changes) -> None:
    interpreter = changes.interpreter
    # moto reads a JSONata ToleratedFailureCount as a percentage.
    module = interpreter.module("asl.component.state.exec.state_map.tolerated_failure")
    preprocessor = interpreter.get("asl.parse.preprocessor", "Preprocessor")

    def visit(self: Any, ctx: Any) -> Any:
        return module.ToleratedFailureCountStringJSONata(
            string_jsonata=self.visitString_jsonata(ctx=ctx.string_jsonata())
        )

    changes.replace(preprocessor, "visitTolerated_failure_count_string_jsonata", visit)


def failure(interpreter: Interpreter, env: object, error: str, cause: str) -> Exception:
    """What ends a state with one of the service's own errors."""
    states_error = interpreter.get("asl.component.common.error_name.states_error_name", "StatesErrorName")
    names = interpreter.get("asl.component.common.error_name.states_error_name_type", "StatesErrorNameType")
    kind = next(one for one in names if one.to_name() == error)
    event_types = interpreter.of_api("HistoryEventType")
    event_details = interpreter.get("asl.eval.event.event_detail", "EventDetails")
    if error == "States.QueryEvaluationError":
        event_type = event_types.EvaluationFailed
        details = event_details(
            evaluationFailedEventDetails=interpreter.of_api("EvaluationFailedEventDetails")(error=error, cause=cause)
        )
    else:
        event_type = event_types.TaskFailed
        details = event_details(
            taskFailedEventDetails=interpreter.of_api("TaskFailedEventDetails")(error=error, cause=cause)
        )
    event = interpreter.get("asl.component.common.error_name.failure_event", "FailureEvent")(
        env=env, error_name=states_error(typ=kind), event_type=event_type, event_details=details
    )
    raised = interpreter.get("asl.component.common.error_name.failure_event", "FailureEventException")
    return raised(failure_event=event)  # type: ignore[no-any-return]


def _match_errors_as_documented(changes: Changes) -> None:
    interpreter = changes.interpreter
    # States.ALL would meet errors that end an execution whatever its Catch says, and States.TaskFailed none of the
    # service's own.
    equals = interpreter.get("asl.component.common.error_name.error_equals_decl", "ErrorEqualsDecl")

    def evaluate(self: Any, env: Any) -> None:
        error = env.stack.pop()
        name = error.error_name if error is not None else None
        declared = {one.error_name for one in self.error_names}
        env.stack.append(
            name not in CAUGHT_BY_NOTHING
            and (
                name in declared
                or "States.ALL" in declared
                or ("States.TaskFailed" in declared and name not in NOT_CAUGHT_BY_TASK_FAILED)
            )
        )

    changes.replace(equals, "_eval_body", evaluate)


def _need_what_a_choice_compares(changes: Changes) -> None:
    interpreter = changes.interpreter
    # A rule would just not match where its Variable is missing; only IsPresent may ask for that.
    variable = interpreter.get("asl.component.state.choice.comparison.comparison_variable", "ComparisonVariable")
    missing = interpreter.get("asl.component.state.choice.comparison.variable", "NoSuchVariable")
    present = interpreter.get(
        "asl.component.state.choice.comparison.comparison_operator_type", "ComparisonOperatorType"
    ).IsPresent

    def evaluate(self: Any, env: Any) -> None:
        self.variable.eval(env=env)
        if isinstance(env.stack[-1], missing) and self.comparison_function.operator_type != present:
            path = self.variable.string_sampler.literal_value
            cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
            raise failure(interpreter, env, "States.Runtime", cause)
        self.comparison_function.eval(env)

    changes.replace(variable, "_eval_body", evaluate)


class _ByRule(str):
    """The next state of a Choice state, where a rule named it rather than Default."""


def _need_a_choice(changes: Changes) -> None:
    interpreter = changes.interpreter
    choice = interpreter.get("asl.component.state.choice.state_choice", "StateChoice")
    give = choice._eval_state_output

    def evaluate_rules(self: Any, env: Any) -> None:
        for rule in self.choices_decl.rules:
            rule.eval(env)
            if env.stack.pop() is True:
                env.stack.append(_ByRule(rule.next_stmt.name))
                return
        if self.default_state is None:
            cause = "Failed to transition out of the state. The state does not point to a next state."
            raise failure(interpreter, env, "States.NoChoiceMatched", cause)
        env.stack.append(self.default_state.state_name)

    def give_output(self: Any, env: Any) -> None:
        # The state's own Assign and Output are those of Default, also where a rule goes to the same state.
        rule_named = env.stack[-1] if isinstance(env.stack[-1], _ByRule) else None
        if rule_named is None:
            give(self, env)
            return
        env.stack[-1] = ""
        give(self, env)
        env.next_state_name = str(rule_named)

    changes.replace(choice, "_eval_state", evaluate_rules)
    changes.replace(choice, "_eval_state_output", give_output)


def _end_with_expired_runs(changes: Changes) -> None:
    # A run that waited too long for its resources has ended; the interpreters would wait for it for ever.
    glue = changes.interpreter.module(f"{SERVICE}.state_task_service_glue")
    for name in ("_JOB_RUN_STATE_ABNORMAL_TERMINAL_VALUE", "_JOB_RUN_STATE_TERMINAL_VALUES"):
        changes.replace(glue, name, getattr(glue, name) | {"EXPIRED"})


def _need_arrays_of_maps(changes: Changes) -> None:
    interpreter = changes.interpreter
    items_path = interpreter.get("asl.component.common.path.items_path", "ItemsPath")
    evaluate = items_path._eval_body

    def evaluate_array(self: Any, env: Any) -> None:
        evaluate(self, env)
        if not isinstance(env.stack[-1], list):
            path = self.string_sampler.literal_value
            path = path[1:] if path.startswith("$$") else path
            raise failure(interpreter, env, "States.Runtime", f'Reference path "{path}" must point to array.')

    changes.replace(items_path, "_eval_body", evaluate_array)


def _limit_variables(changes: Changes) -> None:
    interpreter = changes.interpreter
    assign = interpreter.get("asl.component.common.assign.assign_decl", "AssignDecl")
    to_json_str = interpreter.get("asl.utils.encoding", "to_json_str")
    evaluate = assign._eval_body

    def size(value: object) -> int:
        return len(to_json_str(value, separators=(",", ":")).encode())

    def evaluate_within_limits(self: object, env: Any) -> None:
        store = env.variable_store
        before = dict(store._inner_scope)
        evaluate(self, env)
        changed = {name: value for name, value in store._inner_scope.items() if before.get(name, store) is not value}
        too_large = size(changed) > MOST_VARIABLE_BYTES
        if too_large or size({**store._outer_scope, **store._inner_scope}) > MOST_VARIABLES_BYTES:
            most = MOST_VARIABLE_BYTES if too_large else MOST_VARIABLES_BYTES
            cause = f"The variables {', '.join(changed)} exceed the maximum of {most} bytes."
            raise failure(interpreter, env, "States.DataLimitExceeded", cause)

    changes.replace(assign, "_eval_body", evaluate_within_limits)


def _give_outputs_the_variables_of_the_entry(changes: Changes) -> None:
    # Assign and Output are evaluated in parallel, so that none sees what the other makes:
    # https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    interpreter = changes.interpreter
    assign = interpreter.get("asl.component.common.assign.assign_decl", "AssignDecl")
    evaluate = assign._eval_body

    def keep_and_evaluate(self: Any, env: Any) -> None:
        entered = env.states.context_object.context_object_data.get("State")
        before = (entered, dict(env.variable_store._inner_scope))
        evaluate(self, env)
        env.variable_store._at_entry = before

    def with_variables_of_entry(component: Any) -> None:
        output = component._eval_body

        def give(self: Any, env: Any) -> None:
            store = env.variable_store
            entered, before = getattr(store, "_at_entry", (None, None))
            if before is None or env.states.context_object.context_object_data.get("State") is not entered:
                output(self, env)
                return
            after, store._inner_scope, store._variable_declarations_cache = store._inner_scope, before, None
            try:
                output(self, env)
            finally:
                store._inner_scope, store._variable_declarations_cache = after, None

        changes.replace(component, "_eval_body", give)

    changes.replace(assign, "_eval_body", keep_and_evaluate)
    with_variables_of_entry(interpreter.get("asl.component.common.outputdecl", "Output"))
    with_variables_of_entry(interpreter.get("asl.component.common.path.output_path", "OutputPath"))


def _write_assigned_texts_as_json(changes: Changes) -> None:
    interpreter = changes.interpreter
    # They would be put between quotes as they are, whatever is in them.
    store = interpreter.get("asl.eval.variable_store", "VariableStore")
    to_json_str = interpreter.get("asl.utils.encoding", "to_json_str")

    def assigned(self: Any) -> dict[str, str]:
        return {name: to_json_str(self.get(name), separators=(",", ":")) for name in self._declaration_tracing}

    changes.replace(store, "get_assigned_variables", assigned)


def _miss_deleted_activities(changes: Changes) -> None:
    # moto's exception wants a message that the interpreter does not give.
    interpreter = changes.interpreter
    module = interpreter.module("asl.eval.callback.callback")
    missing = module.ActivityDoesNotExist

    def make(message: str = "") -> Exception:
        return missing(message)  # type: ignore[no-any-return]

    changes.replace(module, "ActivityDoesNotExist", make)


def _describe_nested_executions_as_recorded(changes: Changes) -> None:
    # The output of startExecution.sync is a described execution, in AWS's recorded answers without its redrives.
    interpreter = changes.interpreter
    nested = interpreter.get(f"{SERVICE}.state_task_service_sfn", "StateTaskServiceSfn")
    normalise = nested._normalise_response

    def without_redrives(self: object, response: object, *arguments: object, **named: object) -> None:
        normalise(self, response, *arguments, **named)
        if isinstance(response, dict) and "ExecutionArn" in response:
            for name in [name for name in response if name.startswith("Redrive")]:
                del response[name]

    changes.replace(nested, "_normalise_response", without_redrives)


def _prefer_what_a_token_was_sent(changes: Changes) -> None:
    # Where both the awaited work has ended and its token was answered, the answer counts, whichever is seen first.
    interpreter = changes.interpreter
    callback = interpreter.get(f"{SERVICE}.state_task_service_callback", "StateTaskServiceCallback")
    wait = callback._eval_sync

    def wait_for_both(self: Any, *arguments: Any, **named: Any) -> Any:
        found = wait(self, *arguments, **named)
        endpoint = named.get("callback_endpoint")
        told = endpoint.get_outcome() if endpoint is not None else None
        return found if told is None else told

    changes.replace(callback, "_eval_sync", wait_for_both)


def _speak_to_s3_as_the_service_does(changes: Changes) -> None:
    # What is put is a text to it, and its errors name two requests.
    interpreter = changes.interpreter
    sdk = interpreter.get(f"{SERVICE}.state_task_service_aws_sdk", "StateTaskServiceAwsSdk")
    normalise, from_error = sdk._normalise_parameters, sdk._from_error

    def with_type(self: Any, parameters: Any, *arguments: Any, **named: Any) -> None:
        normalise(self, parameters, *arguments, **named)
        if (self.resource.api_name, self.resource.api_action) == ("s3", "putObject") and "Body" in parameters:
            parameters.setdefault("ContentType", "text/plain; charset=UTF-8")

    def with_both_requests(self: Any, env: object, ex: Exception) -> Any:
        event = from_error(self, env, ex)
        details = (event.event_details or {}).get("taskFailedEventDetails") or {}
        cause = details.get("cause") or ""
        if self.resource.api_name == "s3" and "Service: S3," in cause and "Extended Request ID" not in cause:
            request = str(getattr(ex, "response", {}).get("ResponseMetadata", {}).get("RequestId", ""))
            details["cause"] = cause.replace(
                f"Request ID: {request}", f"Request ID: {request}, Extended Request ID: {request}", 1
            )
        return event

    changes.replace(sdk, "_normalise_parameters", with_type)
    changes.replace(sdk, "_from_error", with_both_requests)
