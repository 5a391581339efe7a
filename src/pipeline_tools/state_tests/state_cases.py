"""The cases of a definition: every state, every branch of a Choice, every error of a Retry or a Catch.

What a state needs to run by itself (input, variables, what its call answers) is in a file of samples beside the
definition; what it has to answer is in a file of expectations, which `nox -s states -- --write` makes anew.
https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline_tools.crosscheck import template
from pipeline_tools.environments import ROOT

DEFINITIONS: Final = ROOT / "infra" / "state_machines"
_SUFFIX: Final = ".asl.yaml"
# Answers that Step Functions changes on the way (a parsed payload, a parsed output), so that no API model has them.
_OPTIMIZED: Final = ("arn:aws:states:::lambda:invoke", "arn:aws:states:::states:startExecution.sync:2")
# An error that no Retry and no Catch names; only States.ALL and States.TaskFailed meet it.
_UNNAMED: Final = "Sample.UnnamedException"
_WILDCARDS: Final = ("States.ALL", "States.TaskFailed")


class SamplesError(ValueError):
    """The samples do not fit the definition."""


@dataclass(frozen=True)
class StateCase:
    """A request to TestState.

    Attributes:
        machine: the name of the state machine.
        name: of the case: the state and what is tried of it.
        request: the members of the request but for the definition.
    """

    machine: str
    name: str
    request: JsonMapping


@dataclass(frozen=True)
class MachineCases:
    """A state machine's definition as one of its renderings, with its cases."""

    name: str
    definition: JsonMapping
    cases: tuple[StateCase, ...]


def machines(directory: Path = DEFINITIONS) -> list[MachineCases]:
    """All definitions of a directory; one with conditions of the template once for each side of them.

    Raises:
        SamplesError: a state without a sample, or a sample of a state that is not there.
    """
    found = []
    for file in sorted(directory.glob(f"*{_SUFFIX}")):
        name = file.name.removesuffix(_SUFFIX)
        samples = yaml.safe_load((directory / "tests" / f"{name}.yaml").read_text(encoding="utf-8"))
        values = samples.get("template", {})
        sides = template.renderings(
            file.read_text(encoding="utf-8"), {key: str(value) for key, value in values.items()}
        )
        for side, text in enumerate(sides):
            machine = name if side == len(sides) - 1 else f"{name}-{samples['sides'][side]}"
            definition = yaml.safe_load(text)
            found.append(MachineCases(machine, definition, tuple(cases(machine, definition, samples))))
    return found


def cases(machine: str, definition: Mapping[str, object], samples: JsonMapping) -> Iterator[StateCase]:
    """The cases of one definition."""
    states = dict(_states(definition))
    given: JsonMapping = samples["states"]
    if unknown := sorted(given.keys() - states.keys()):
        raise SamplesError(f"{machine}: samples of states that are not there: {', '.join(unknown)}")
    if missing := sorted(states.keys() - given.keys()):
        raise SamplesError(f"{machine}: states without a sample: {', '.join(missing)}")
    for name, state in states.items():
        for request_name, request in _requests(state, given[name] or {}, samples):
            yield StateCase(machine, f"{name}: {request_name}", {"stateName": name, **request})


def _states(definition: JsonMapping) -> Iterator[tuple[str, JsonMapping]]:
    for name, state in definition["States"].items():
        yield name, state
        for inner in [*state.get("Branches", ()), state.get("ItemProcessor")]:
            if inner:
                yield from _states(inner)


def _requests(state: JsonMapping, given: JsonMapping, samples: JsonMapping) -> Iterator[tuple[str, JsonObject]]:
    base = {
        "input": given.get("input", {}),
        "variables": {**samples.get("variables", {}), **given.get("variables", {})},
    }
    if state["Type"] not in ("Task", "Map", "Parallel"):
        for name, change in (given.get("cases") or {"as it is": {}}).items():
            yield name, _request({**base, **_merged(base, change)})
        return
    base["context"] = samples["context"]
    strict = "NONE" if state.get("Resource") in _OPTIMIZED else "STRICT"
    for name, change in given["cases"].items():
        mock = {"result": json.dumps(change["result"]), "fieldValidationMode": strict}
        yield name, _request({**base, **_merged(base, change), "mock": mock})
    for name, error, retries in _errors(state):
        request = _request({**base, "mock": {"errorOutput": {"error": error, "cause": f"a sample of {error}"}}})
        if retries is not None:
            request["stateConfiguration"] = {"retrierRetryCount": retries}
        yield name, request


def _merged(base: JsonMapping, change: JsonMapping) -> JsonObject:
    merged = {name: change[name] for name in ("input",) if name in change}
    if "variables" in change:
        merged["variables"] = {**base["variables"], **change["variables"]}
    return merged


def _request(values: Mapping[str, object]) -> JsonObject:
    return {
        name: json.dumps(value) if name in ("input", "variables", "context") else value
        for name, value in values.items()
    }


def _errors(state: JsonMapping) -> Iterator[tuple[str, str, int | None]]:
    """What a state may fail with: each name of each Retry (at the first and the last try, and after it) and Catch."""
    for index, retrier in enumerate(state.get("Retry", ())):
        for error in retrier["ErrorEquals"]:
            said = _UNNAMED if error in _WILDCARDS else error
            yield f"retry {index} at {error}", said, 0
            yield f"retry {index} at {error}, for the last time", said, retrier["MaxAttempts"] - 1
            yield f"retry {index} at {error}, given up", said, retrier["MaxAttempts"]
    for index, catcher in enumerate(state.get("Catch", ())):
        for error in catcher["ErrorEquals"]:
            yield f"catch {index} of {error}", _UNNAMED if error in _WILDCARDS else error, None
    yield "an error that nothing names", _UNNAMED, None
    yield "a time-out", "States.Timeout", None
