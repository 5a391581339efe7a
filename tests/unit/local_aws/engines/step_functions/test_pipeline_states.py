"""Every state of the project's state machines answers what is expected of it, and a changed definition does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.errors import AwsError
from pipeline_tools.state_tests import answers
from pipeline_tools.state_tests.state_cases import MachineCases, SamplesError, cases, machines
from tests.unit.local_aws.engines.step_functions.conftest import Functions

MACHINES = machines()
# By the first of two renderings, the states that are not those of the second one.
OWN_STATES = {
    "run-sql-inlined": ("ExecuteBatch", "DescribeStatement", "WaitToLookAgain"),
    "record-failure-chat": ("Notify", "NotifyLater"),
}
Path = tuple[str | int, ...]


def client_of(functions: Functions) -> Any:
    """TestState of the service in this process, as a boto3 client has it."""

    def test_state(**request: Any) -> Any:
        return json.loads(json.dumps(functions.ask("TestState", **request)))

    return SimpleNamespace(test_state=test_state)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_each_state_answers_what_is_expected(functions: Functions, machine: MachineCases) -> None:
    assert answers.problems(client_of(functions), machine) == []


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_branch_of_a_choice_is_taken(machine: MachineCases) -> None:
    expected = answers.expectations(machine.name)
    for name, state in states(machine.definition):
        if state["Type"] == "Choice":
            taken = {answer.get("nextState") for case, answer in expected.items() if case.startswith(f"{name}: ")}
            assert taken == {*(choice["Next"] for choice in state["Choices"]), state["Default"]}


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_changed_definition_answers_something_else(functions: Functions, machine: MachineCases) -> None:
    client = client_of(functions)
    survived = []
    for name, path, changed in mutants(machine.definition):
        if machine.name in OWN_STATES and name not in OWN_STATES[machine.name]:
            continue  # it is the other rendering's as well
        # Only the cases of the changed state are asked, and only until one of them answers something else.
        mutant = replace(machine, definition=changed, cases=of_state(machine, name))
        if not any_difference(client, mutant):
            survived.append((name, *path))
    assert survived == []


def test_a_state_without_a_sample_is_named() -> None:
    definition = {"States": {"A": {"Type": "Pass"}, "B": {"Type": "Pass"}}}
    with pytest.raises(SamplesError, match="m: states without a sample: B"):
        list(cases("m", definition, {"states": {"A": None}}))
    with pytest.raises(SamplesError, match="m: samples of states that are not there: C"):
        list(cases("m", definition, {"states": {"A": None, "B": None, "C": None}}))


def test_a_case_that_is_missing_or_new_is_a_difference(functions: Functions) -> None:
    machine = MACHINES[-1]
    (first, answer), *others = list(answers.ask(client_of(functions), machine))
    expected = answers.expectations(machine.name)
    assert answers.differences(expected, others) == [f"{first.name}: expected, and there is no such case"]
    del expected[first.name]
    assert answers.differences(expected, [(first, answer), *others]) == [
        f"{machine.name}: {first.name}: nothing is expected of it"
    ]


def any_difference(client: Any, machine: MachineCases) -> bool:
    expected = answers.expectations(machine.name)
    for case in machine.cases:
        try:
            answered = list(answers.ask(client, replace(machine, cases=(case,))))
        except AwsError:
            return True
        if answered[0][1] != expected.get(case.name):
            return True
    return False


def of_state(machine: MachineCases, name: str) -> tuple[Any, ...]:
    return tuple(case for case in machine.cases if case.request["stateName"] == name)


def states(definition: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in definition["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


# What TestState cannot see: it does not wait, call, or run the items of a Map.
UNSEEN = ("Comment", "Resource", "TimeoutSeconds", "Seconds", "ItemProcessor", "Items", "Type")
# Nor the time to a retry, which is at random here.
UNSEEN_OF_RETRY = ("IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "JitterStrategy")


def mutants(definition: Mapping[str, Any]) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """The definition with one change in one state: another value, one error less, one try more, no End."""
    for name, state in states(definition):
        for path, change in changes(state, definition):
            changed = copy.deepcopy(dict(definition))
            target = dict(states(changed))[name]
            for step in path[:-1]:
                target = target[step]  # type: ignore[index]
            change(target, path[-1])
            yield name, path, changed


def changes(state: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[tuple[Path, Callable[..., None]]]:
    for path, value in leaves(state):
        if path[0] in UNSEEN or path[-1] in UNSEEN_OF_RETRY:
            continue
        if path[-1] == "Next" or path[-1] == "Default":
            yield path, put(next(other for other in definition["States"] if other != value))
        elif path[-1] == "MaxAttempts":
            yield path, put(value + 1)
        elif "ErrorEquals" in path:
            yield path, put("Sample.AnotherException")
        elif path[-1] == "Condition":
            yield path, put("{% false %}")
            yield path, put("{% true %}")
        elif path != ("End",):
            yield path, put("a mutant")
    for field in ("Output", "Assign", "Catch", "Retry"):
        if field in state:
            yield (field,), lambda target, key: target.pop(key)


def put(value: Any) -> Callable[..., None]:
    def change(target: Any, key: Any) -> None:
        target[key] = value

    return change


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield path, value
        return
    for key, member in items:
        yield from leaves(member, (*path, key))
