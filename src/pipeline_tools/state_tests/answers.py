"""What TestState answers a case, without what changes from one time to the next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline_tools.state_tests.state_cases import DEFINITIONS, MachineCases, StateCase

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_AT_ONCE: Final = 4
# What TestState calls an execution that there is not.
_EXECUTION: Final = re.compile(r"arn:[a-z-]+:states:[^:]+:\d+:express:[0-9a-f-]+:[0-9a-f-]+")
# Not the seconds before a retry: they are at random where the jitter is FULL.
_KEPT_DETAILS: Final = ("catchIndex", "retryIndex")


def ask(
    client: SFNClient, machine: MachineCases, *, role_arn: str | None = None
) -> Iterator[tuple[StateCase, JsonObject]]:
    """The answers to all cases of a state machine, in their order.

    Raises:
        botocore.exceptions.ClientError: the definition is refused, or the caller may not use TestState.
    """
    definition = json.dumps(machine.definition)
    role = {"roleArn": role_arn} if role_arn else {}

    def one(case: StateCase) -> tuple[StateCase, JsonObject]:
        request: JsonObject = {**case.request, **role, "definition": definition, "inspectionLevel": "DEBUG"}
        return case, _kept(client.test_state(**request), case.request)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(one, machine.cases)


def _kept(answer: JsonMapping, request: JsonMapping) -> JsonObject:
    answer = json.loads(_EXECUTION.sub("the execution", json.dumps(answer, default=str)))
    inspected = answer.get("inspectionData", {})
    kept = {name: answer[name] for name in ("status", "nextState", "error", "cause") if name in answer}
    if kept.get("error") == "States.QueryEvaluationError":
        kept.pop("cause", None)  # the words of the evaluator
    if "output" in answer:
        kept["output"] = json.loads(answer["output"])
    if "afterArguments" in inspected and "errorOutput" not in request.get("mock", {}):
        kept["arguments"] = json.loads(inspected["afterArguments"])
    given = json.loads(request["variables"])
    variables = json.loads(inspected.get("variables", "{}"))
    if assigned := {name: value for name, value in variables.items() if name not in given or given[name] != value}:
        kept["assigned"] = assigned
    details = {name: value for name, value in inspected.get("errorDetails", {}).items() if name in _KEPT_DETAILS}
    return kept | details


def _file(machine: str, directory: Path) -> Path:
    return directory / "tests" / f"{machine}.expected.json"


def expectations(machine: str, directory: Path = DEFINITIONS) -> JsonObject:
    """What the cases of a state machine have to answer, by the cases' names."""
    expected: JsonObject = json.loads(_file(machine, directory).read_text(encoding="utf-8"))
    return expected


def write(machine: str, answered: Iterable[tuple[StateCase, JsonObject]], directory: Path = DEFINITIONS) -> None:
    """Make the answers the expectations; who does it reads the difference."""
    answers = {case.name: answer for case, answer in answered}
    _file(machine, directory).write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def differences(expected: JsonMapping, answered: Iterable[tuple[StateCase, JsonObject]]) -> list[str]:
    """One line for each case that answers something else, is not expected, or is expected and not there."""
    found, seen = [], set()
    for case, answer in answered:
        seen.add(case.name)
        if case.name not in expected:
            found.append(f"{case.machine}: {case.name}: nothing is expected of it")
            continue
        wanted = expected[case.name]
        for name in sorted(wanted.keys() | answer.keys()):
            if wanted.get(name) != answer.get(name):
                said = f"{name} is {_short(answer.get(name))}, expected {_short(wanted.get(name))}"
                found.append(f"{case.machine}: {case.name}: {said}")
    return found + [f"{name}: expected, and there is no such case" for name in expected if name not in seen]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]} …"


def problems(client: SFNClient, machine: MachineCases, *, role_arn: str | None = None) -> list[str]:
    """What a state machine's states do otherwise than expected."""
    return differences(expectations(machine.name), ask(client, machine, role_arn=role_arn))
