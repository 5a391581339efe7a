"""The cases are data: each has a name of its own, no state is left out, and what is drawn can be drawn again."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from local_aws.services.faults import documents
from local_aws.services.faults.fault_rules import Occasion
from pipeline_tools.chaos import matrix
from pipeline_tools.chaos.__main__ import chosen
from pipeline_tools.chaos.cases import ChaosCase, filled
from pipeline_tools.chaos.matrix import drawn
from pipeline_tools.chaos.matrix import tasks as tasks_matrix
from pipeline_tools.environments import ROOT

CASES = matrix.cases()
# A state of run-sql that is reached after four hours: its retry and catch have tests of their own (`nox -s states`).
WITHOUT_CASES = ("CancelStatement",)


def tasks(machine: str) -> Iterator[tuple[str, str]]:
    """The states of a machine that call a service."""
    text = (ROOT / "infra" / "state_machines" / f"{machine}.asl.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^%\{.*\}$", "", text, flags=re.MULTILINE)

    def walk(states: Mapping[str, Any]) -> Iterator[str]:
        for name, state in states.items():
            if state["Type"] == "Task":
                yield name
            yield from walk(state.get("ItemProcessor", {}).get("States", {}))

    yield from ((machine, name) for name in walk(yaml.safe_load(text)["States"]))


def patterns(case: ChaosCase) -> Iterator[str]:
    """The states whose calls a case's faults are for."""
    yield from (str(rule["match"]["state"]) for rule in case.faults if "state" in rule.get("match", {}))


def test_there_are_enough_cases_and_none_is_left_out_on_the_first_engine() -> None:
    assert len(CASES) >= 150
    assert chosen(CASES, [], "ministack") == CASES
    assert len(chosen(CASES, [], "localstack")) == 40


def test_the_subset_has_a_case_of_each_part() -> None:
    parts = {case.name.split(".")[0] for case in CASES if "localstack" in case.engines}
    assert {case.name.split(".")[0] for case in chosen(CASES, [], "localstack")} == parts


def test_names_are_their_own_and_can_be_typed() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name), name
        assert len(name) <= 70, name


@pytest.mark.parametrize(
    ("machine", "state"),
    [found for machine in ("pipeline", "run-sql", "record-failure") for found in tasks(machine)],
    ids=lambda value: str(value),
)
def test_every_state_that_calls_a_service_has_cases(machine: str, state: str) -> None:
    of_machine = [case for case in CASES if case.name.startswith((f"{machine}.", "stopped.", "continued."))]
    cases = [case for case in of_machine if any(fnmatchcase(state, pattern) for pattern in patterns(case))]
    assert cases or state in WITHOUT_CASES


def errors(call_of: tasks_matrix.TaskCall, execution: str) -> Iterator[Any]:
    yield from (
        pytest.param(
            call_of.state,
            execution,
            error.document(call_of.service, call_of.operation)["code"],
            id=f"{call_of.state}-{execution}-{error.name}",
        )
        for error in call_of.errors
    )


@pytest.mark.parametrize(
    ("state", "execution", "code"),
    [
        *(each for call in tasks_matrix.CALLS for each in errors(call, "{execution}")),
        *(each for step, _, call in tasks_matrix.SQL_CALLS for each in errors(call, f"*{{id}}-{step}-*")),
    ],
)
def test_every_error_of_a_call_is_met_by_a_case(state: str, execution: str, code: str) -> None:
    matches = [
        rule
        for case in CASES
        for rule in case.faults
        if rule.get("match") == {"state": state, "execution": execution} and rule.get("error", {}).get("code") == code
    ]
    assert any(rule.get("when") != "after" for rule in matches)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_endpoint_takes_the_faults_of_a_case(case: ChaosCase) -> None:
    names = dict.fromkeys(("source", *(f"{name}{n}" for name in ("execution", "id") for n in ("", 2, 3, 4, 5))), "x")
    rules = [
        {name: value for name, value in {"name": str(number), **filled(rule, names)}.items() if name != "spare"}
        for number, rule in enumerate(case.faults)
    ]
    documents.read({"waits": case.waits, "faults": rules})
    assert "{" not in str([rule["match"] for rule in rules if "match" in rule]).replace("{'", "").replace("{}", "")


@pytest.mark.parametrize("case", [case for case in CASES if case.name.startswith("event.")], ids=lambda case: case.name)
def test_a_fault_of_an_event_is_about_the_one_that_the_recorder_gets(case: ChaosCase) -> None:
    arn = "arn:aws:states:us-east-1:000000000000:execution:local-pipeline:x"
    named = [filled(rule, {"execution": "x", "execution3": "z"}) for rule in case.faults]
    rules = documents.read({"faults": [rule for rule in named if rule["at"] == "event"]}).rules
    assert rules or case.name == "event.again-after-redrive"
    # Both get the failure; lineage gets the start, too.
    recorder, lineage = (
        Occasion(members={"detail": {"executionArn": arn}}, names={"rule": name})
        for name in ("local-pipeline-failed", "local-emit-lineage-executions")
    )
    for rule in rules:
        assert recorder.fits(rule)
        assert not lineage.fits(rule)


def test_what_is_drawn_is_drawn_again_by_its_seed() -> None:
    for name in ("pair", "walk"):
        first, again, other = (draw(name, random.Random(seed)) for seed in (7, 7, 8))
        assert first == again != other
        assert len({case.name for case in first}) == 20


def draw(name: str, chance: random.Random) -> list[ChaosCase]:
    return list(drawn.pairs(CASES, 20, chance) if name == "pair" else drawn.walks(20, chance))


def test_cases_are_chosen_by_the_beginning_of_a_name_or_a_pattern() -> None:
    assert {case.name.split(".")[1] for case in chosen(CASES, ["pipeline.Gen"], "ministack")} == {"GenerateJobId"}
    assert all("throttled" in case.name for case in chosen(CASES, ["*.throttled.*"], "ministack"))
    assert chosen(CASES, ["nothing"], "ministack") == []
