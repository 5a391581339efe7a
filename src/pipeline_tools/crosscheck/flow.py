"""The data flow of a state machine: which variables every path assigned, and samples of their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aws_facts import jsonata as facts
from dataset_contract.json_types import JsonObject
from local_aws.jsonata import type_name
from pipeline_tools.crosscheck import expressions
from pipeline_tools.crosscheck.apis import Api
from pipeline_tools.crosscheck.expressions import Scope
from pipeline_tools.crosscheck.sample_values import UNKNOWN, merge
from pipeline_tools.crosscheck.template import Node

Report = Callable[[int, str, str], None]
# What a Task answers: (state's name, state, API, sample of its Arguments) -> sample of $states.result.
Answer = Callable[[str, Node, Api, Any], Any]

_OWN = {"Output", "Assign", "Retry", "Catch", "Choices", "Branches", "ItemProcessor", "Comment", "Type", "Next"}
_MOMENT = "2026-01-31T12:34:56.789Z"
_NOTHING = Node(0, {})


def context(execution_arn: str, execution_input: object) -> JsonObject:
    """A sample of `$states.context`.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    """
    machine, name = execution_arn.split(":")[-2:]
    return {
        "Execution": {
            "Id": execution_arn,
            "Input": execution_input,
            "Name": name,
            "RoleArn": UNKNOWN,
            "StartTime": _MOMENT,
            "RedriveCount": 0,
            "RedriveTime": _MOMENT,
        },
        "State": {"EnteredTime": _MOMENT, "Name": UNKNOWN, "RetryCount": 0},
        "StateMachine": {"Id": UNKNOWN, "Name": machine},
        "Task": {"Token": UNKNOWN},
    }


@dataclass(frozen=True)
class _Env:
    """What is known on entry to a state, by every path to it."""

    variables: dict[str, Any]
    input: Any

    def meet(self, other: _Env) -> _Env:
        both = self.variables.keys() & other.variables.keys()
        variables = {name: merge(self.variables[name], other.variables[name]) for name in sorted(both)}
        return _Env(variables, merge(self.input, other.input))

    def then(self, assigned: object, output: object) -> _Env:
        return _Env({**self.variables, **(assigned if isinstance(assigned, dict) else {})}, output)


@dataclass
class Flow:
    """One state machine, run with samples.

    `answer` is asked while the flow settles, too: what it is asked last about a state holds on every path.
    """

    context: JsonObject
    answer: Answer
    outputs: list[Any] = field(default_factory=list)  # of the states that end it

    def run(self, machine: Node, given: object, report: Report) -> None:
        """Report what is wrong with the expressions, for the input `given`."""
        self.outputs = self._scope(machine, _Env({}, given), self.context, report)

    def _scope(self, machine: Node, entry: _Env, context: JsonObject, report: Report) -> list[Any]:
        states = dict((machine.get("States") or _NOTHING).items())
        start = machine.text("StartAt")
        entries = {start: entry} if start in states else {}
        waiting = list(entries)
        while waiting:
            name = waiting.pop(0)
            for after, env in self._leave(name, states[name], entries[name], context, lambda *_: None):
                if after not in states:
                    continue
                met = entries[after].meet(env) if after in entries else env
                if entries.get(after) != met:
                    entries[after] = met
                    waiting.append(after)
        ends: list[Any] = []
        for name, env in entries.items():
            leaving = self._leave(name, states[name], env, context, report)
            ends += [after.input for target, after in leaving if not target]
        return ends

    def _leave(self, name: str, state: Node, env: _Env, context: JsonObject, report: Report) -> list[tuple[str, _Env]]:
        """The states that follow, each with what is known there; "" where the machine ends."""
        scope = Scope(env.variables, {"input": env.input, "context": context})
        values = {key: typed(key, node, scope, report) for key, node in state.items() if key not in _OWN}
        own, result = scope, UNKNOWN
        if state.text("Type") in ("Task", "Map", "Parallel"):
            result = self._result(name, state, values.get("Arguments", env.input), env, context, report)
            own = Scope(env.variables, {**scope.states, "result": result})
        assigned, output = self._effects(state, own, report)
        if output is None:
            output = result if "result" in own.states else env.input
        found = []
        for rule in (state.get("Choices") or _NOTHING).nodes():
            if condition := rule.get("Condition"):
                typed("Condition", condition, scope, report)
            chosen, passed = self._effects(rule, scope, report)
            found.append((rule.text("Next"), env.then(chosen, env.input if passed is None else passed)))
        failed = Scope(env.variables, {**scope.states, "errorOutput": {"Error": UNKNOWN, "Cause": UNKNOWN}})
        for rule in (state.get("Catch") or _NOTHING).nodes():
            caught, passed = self._effects(rule, failed, report)
            after = {"Error": UNKNOWN, "Cause": UNKNOWN} if passed is None else passed
            found.append((rule.text("Next"), env.then(caught, after)))
        for key in ("Next", "Default"):
            if key in state:
                found.append((state.text(key), env.then(assigned, output)))
        if "End" in state or state.text("Type") == "Succeed":
            found.append(("", env.then(assigned, output)))
        return found

    def _effects(self, node: Node, scope: Scope, report: Report) -> tuple[Any, Any]:
        assign, output = node.get("Assign"), node.get("Output")
        assigned = evaluate(assign, scope, report) if assign else {}
        return assigned, evaluate(output, scope, report) if output else None

    def _result(self, name: str, state: Node, arguments: object, env: _Env, context: JsonObject, report: Report) -> Any:
        if state.text("Type") == "Task":
            try:
                return self.answer(name, state, Api.read(state.text("Resource")), arguments)
            except ValueError:
                return UNKNOWN  # the structure's check reports the Resource
        mapped = {**context, "Map": {"Item": {"Index": 0, "Value": UNKNOWN, "Key": UNKNOWN, "Source": UNKNOWN}}}
        for inner in [*(state.get("Branches") or _NOTHING).nodes(), state.get("ItemProcessor")]:
            if inner is not None:
                self._scope(inner, _Env(env.variables, UNKNOWN), mapped, report)
        return UNKNOWN


def typed(key: str, node: Node, scope: Scope, report: Report) -> Any:
    """A sample of a field's value, which has to be of the field's type."""
    value = evaluate(node, scope, report)
    expected = facts.FIELD_TYPES.get(key)
    if expected is None:
        return value
    found = expressions.embedded(node.value) if isinstance(node.value, str) else None
    can_be = expressions.types(found[0]) if found else None
    if value is not UNKNOWN:
        can_be = frozenset({type_name(value)})
    if can_be is not None and expected not in can_be:
        what = " or ".join(sorted(can_be))
        report(node.line, f"{key} is of type {what}, which fails the state", f"write what gives a {expected}")
    return value


def evaluate(node: Node, scope: Scope, report: Report) -> Any:
    """A sample of a value whose texts may be expressions."""
    if isinstance(node.value, dict):
        return {key: evaluate(value, scope, report) for key, value in node.items()}
    if isinstance(node.value, list):
        return [evaluate(value, scope, report) for value in node.nodes()]
    if not isinstance(node.value, str):
        return node.value
    found = expressions.embedded(node.value)
    if found is None:
        if "{%" in node.value or "%}" in node.value:
            report(node.line, "{% and %} do not enclose the whole text", "begin it with {% and end it with %}")
        return node.value
    text, start = found

    def at(offset: int, wrong: str, todo: str) -> None:
        report(node.line_at(start + offset), wrong, todo)

    return expressions.examine(text, scope, at)
