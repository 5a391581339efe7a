"""The structure of a state machine that uses JSONata: fields, transitions, errors.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html and the page of each state type,
https://states-language.net/spec.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pipeline_tools.crosscheck.apis import Api
from pipeline_tools.crosscheck.template import Node

Report = Callable[[int, str, str], None]

_MACHINE = {"Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"}
_COMMON = {"Type", "Comment", "QueryLanguage"}
_FLOW = {"Next", "End", "Assign", "Output"}
_WORK = {"Arguments", "Retry", "Catch", *_FLOW}
_MAP = {
    *("Items", "ItemSelector", "ItemProcessor", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency", "Label"),
    *("ToleratedFailureCount", "ToleratedFailurePercentage"),
}
_FIELDS = {
    "Task": {"Resource", "Credentials", "TimeoutSeconds", "HeartbeatSeconds", *_WORK},
    "Parallel": {"Branches", *_WORK},
    "Map": (_MAP | _WORK) - {"Arguments"},
    "Pass": _FLOW,
    "Wait": {"Seconds", "Timestamp", *_FLOW},
    "Choice": {"Choices", "Default", "Assign", "Output"},
    "Succeed": {"Output"},
    "Fail": {"Error", "Cause"},
}
_REQUIRED = {
    "Task": {"Resource"}, "Parallel": {"Branches"}, "Map": {"ItemProcessor"}, "Choice": {"Choices"}, "Fail": {"Error"},
}  # fmt: skip
_RULE = {"Condition", "Next", "Assign", "Output", "Comment"}
_RETRIER = {
    *("ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment")
}
_CATCHER = {"ErrorEquals", "Next", "Assign", "Output", "Comment"}
_JSONPATH = {
    *("InputPath", "OutputPath", "ResultPath", "Parameters", "ResultSelector", "Result", "ItemsPath", "Iterator"),
    *("SecondsPath", "TimestampPath", "TimeoutSecondsPath", "HeartbeatSecondsPath", "ErrorPath", "CausePath"),
    *("MaxConcurrencyPath", "Variable"),
}
_STATES_ERRORS = {
    f"States.{name}"
    for name in (
        *("ALL", "BranchFailed", "DataLimitExceeded", "ExceedToleratedFailureThreshold", "HeartbeatTimeout"),
        *("Http.Socket", "ItemReaderFailed", "NoChoiceMatched", "Permissions", "QueryEvaluationError"),
        *("ResultWriterFailed", "Runtime", "TaskFailed", "Timeout"),
    )
}


def transitions(state: Node) -> Iterator[tuple[str, int]]:
    """The states that may follow a state, with the lines that say so."""
    for key in ("Next", "Default"):
        if key in state:
            yield state.text(key), state.keys[key]
    for key in ("Choices", "Catch"):
        for rule in (state.get(key) or Node(0, [])).nodes():
            if "Next" in rule:
                yield rule.text("Next"), rule.keys["Next"]


def scopes(machine: Node) -> Iterator[Node]:
    """A machine, and every machine inside of its Map and Parallel states."""
    yield machine
    for _, state in (machine.get("States") or Node(0, {})).items():
        for inner in [*(state.get("Branches") or Node(0, [])).nodes(), state.get("ItemProcessor")]:
            if inner is not None:
                yield from scopes(inner)


def check(machine: Node, report: Report) -> None:
    """Report what Step Functions would refuse, or would never run."""
    if machine.text("QueryLanguage") != "JSONata":
        line = machine.keys.get("QueryLanguage", machine.line)
        report(line, "QueryLanguage is not JSONata", "write QueryLanguage: JSONata")
    _fields(machine, _MACHINE, "the state machine", report)
    for scope in scopes(machine):
        _graph(scope, report)
        for name, state in (scope.get("States") or Node(0, {})).items():
            _state(name, state, scope.value["States"].keys[name], report)


def _graph(scope: Node, report: Report) -> None:
    states = scope.get("States")
    known: Mapping[str, Node] = dict(states.items()) if states else {}
    advice = f"the states are {', '.join(known) or 'missing'}"
    start = scope.text("StartAt")
    if start not in known:
        report(scope.keys.get("StartAt", scope.line), f"StartAt {start!r} is not a state", advice)
    reached, open_ = set(), {start} & set(known)
    while open_:
        name = open_.pop()
        reached.add(name)
        open_ |= {after for after, _ in transitions(known[name]) if after in known} - reached
    for name, state in known.items():
        for after, line in transitions(state):
            if after not in known:
                report(line, f"state {name} goes on to {after!r}, which is not a state", advice)
        if start in known and name not in reached:
            line = states.keys[name] if states else state.line
            report(line, f"state {name} is never reached from {start}", "let a state go on to it, or delete it")


def _state(name: str, state: Node, line: int, report: Report) -> None:
    kind = state.text("Type")
    if kind not in _FIELDS:
        report(state.keys.get("Type", line), f"state {name} has Type {kind!r}", f"use {', '.join(_FIELDS)}")
        return
    _fields(state, _COMMON | _FIELDS[kind], f"{kind} state {name}", report)
    for value in (state.get("Arguments"), state.get("Output"), state.get("Assign"), state.get("ItemSelector")):
        _plain(value, f"state {name}", report)
    for key in sorted(_REQUIRED.get(kind, set()) - state.keys.keys()):
        report(line, f"{kind} state {name} has no {key}", f"write its {key}")
    if kind not in ("Choice", "Succeed", "Fail"):
        end = state.get("End")
        if end is not None and end.value is not True:
            report(end.line, f"End of state {name} is {end.value!r}", "write End: true, or Next")
        if ("Next" in state) == (end is not None):
            report(line, f"state {name} has {'both' if end else 'neither'} Next and End", "write one of them")
    if kind == "Wait" and ("Seconds" in state) == ("Timestamp" in state):
        report(line, f"Wait state {name} needs one of Seconds and Timestamp", "write one of them")
    for rule in _list(state, "Choices", name, report):
        _fields(rule, _RULE, f"a choice of state {name}", report)
        for key in ("Condition", "Next"):
            if key not in rule:
                report(rule.line, f"a choice of state {name} has no {key}", f"write its {key}")
    api = _api(name, state, report)
    for key, fields in (("Retry", _RETRIER), ("Catch", _CATCHER)):
        for rule in _list(state, key, name, report):
            _fields(rule, fields, f"{key} of state {name}", report)
            _errors(rule, f"{key} of state {name}", api, report)
        rules = _list(state, key, name, lambda *_: None)
        for rule in rules[:-1]:
            if "States.ALL" in _names(rule):
                report(rule.line, f"{key} of state {name} has States.ALL before others", "move it to the end")


def _api(name: str, state: Node, report: Report) -> Api | None:
    resource = state.get("Resource")
    if resource is None:
        return None
    try:
        api = Api.read(str(resource.value))
    except ValueError as error:
        report(resource.line, f"state {name}: {error}", "correct the Resource, or add what is missing to apis.py")
        return None
    arguments = state.get("Arguments")
    if arguments is not None and isinstance(arguments.value, dict):
        known, required = api.members()
        for key, line in arguments.keys.items():
            if key not in known and not key.endswith(".$"):
                report(line, f"state {name}: {api} has no argument {key}", f"it has {', '.join(sorted(known))}")
        for key in sorted(required - arguments.keys.keys()):
            report(arguments.line, f"state {name}: {api} requires the argument {key}", "add it to Arguments")
    return api


def _fields(node: Node, allowed: set[str], what: str, report: Report) -> None:
    for key, line in node.keys.items():
        if key in _JSONPATH:
            report(line, f"{key} of {what} belongs to JSONPath", "write it with Arguments, Assign or Output in JSONata")
        elif key not in allowed:
            report(line, f"{what} cannot have a field {key}", f"it can have {', '.join(sorted(allowed))}")


def _plain(node: Node | None, what: str, report: Report) -> None:
    """Report the keys of JSONPath, which end with `.$`, at any depth of a value."""
    for key, value in node.items() if node else ():
        if node and key.endswith(".$"):
            report(node.keys[key], f"{key} of {what} belongs to JSONPath", "write the value as {% an expression %}")
        _plain(value, what, report)
    for value in node.nodes() if node else ():
        _plain(value, what, report)


def _list(state: Node, key: str, name: str, report: Report) -> list[Node]:
    found = state.get(key)
    if found is not None and not found.nodes():
        report(found.line, f"{key} of state {name} is not a list with an element", "write a list")
    return found.nodes() if found else []


def _names(rule: Node) -> list[str]:
    errors = rule.get("ErrorEquals")
    return [str(error.value) for error in errors.nodes()] if errors else []


def _errors(rule: Node, what: str, api: Api | None, report: Report) -> None:
    errors = rule.get("ErrorEquals")
    if errors is None or not errors.nodes():
        report(rule.line, f"{what} has no ErrorEquals", "list the errors that it is for")
        return
    for error in errors.nodes():
        text = str(error.value)
        if text == "States.ALL" and len(errors.nodes()) > 1:
            report(error.line, f"{what} has States.ALL among other errors", "leave it alone in its list")
        elif text.startswith("States."):
            if text not in _STATES_ERRORS:
                report(
                    error.line,
                    f"{what}: {text} is no error of Step Functions",
                    f"use {', '.join(sorted(_STATES_ERRORS))}",
                )
        elif api is not None and not api.has_error(text) and "." in text:
            report(
                error.line, f"{what}: {text} is no error of {api}", "look it up in the API's reference, or delete it"
            )
