from __future__ import annotations

import json
from typing import Any

from pipeline_tools.plan_review import asl_differences
from pipeline_tools.plan_review.differences import ABSENT
from tests.unit.pipeline_tools.plan_review.plans import plan, resource

JOB = {
    "Type": "Task",
    "Resource": "arn:aws:states:::glue:startJobRun.sync",
    "Arguments": {"JobName": "job", "Arguments": {"--job_id": "{% $id %}", "--x": "1"}},
    "Next": "Done",
}
MACHINE = {"StartAt": "Clean", "States": {"Clean": JOB, "Done": {"Type": "Succeed"}}}


def changed(change: Any, *path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(change))
    place = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


def machine_change(before: Any, after: Any, renames: Any = (), **more: Any) -> asl_differences.MachineChange | None:
    sides = ({"definition": json.dumps(side)} if side else {} for side in (before, after))
    (change,) = plan(resource("aws_sfn_state_machine.this", "update", *sides, **more)).changes
    return asl_differences.machine_change(change, renames)


def fields(before: Any, after: Any) -> list[tuple[Any, ...]]:
    found = machine_change(before, after)
    assert found
    return [(".".join(map(str, one.path)), one.before, one.after) for one in found.changed]


def test_a_job_argument_is_named_by_its_state() -> None:
    after = changed(MACHINE, "States", "Clean", "Arguments", "Arguments", "--x", value="2")
    assert fields(MACHINE, after) == [("Clean.Arguments.--x", "1", "2")]
    after = changed(MACHINE, "States", "Clean", "Arguments", "Arguments", value={"--job_id": "{% $id %}"})
    assert fields(MACHINE, after) == [("Clean.Arguments.--x", "1", ABSENT)]


def test_arguments_of_another_task_keep_their_path() -> None:
    before = changed(MACHINE, "States", "Clean", "Resource", value="arn:aws:states:::lambda:invoke")
    after = changed(before, "States", "Clean", "Arguments", "Arguments", "--x", value="2")
    assert fields(before, after) == [("Clean.Arguments.Arguments.--x", "1", "2")]


def test_states_that_come_and_go() -> None:
    after = changed(MACHINE, "States", value={"Clean": {**JOB, "Next": "End"}, "End": {"Type": "Pass", "End": True}})
    found = machine_change(MACHINE, after)
    assert found
    assert (found.added, found.removed) == (("End",), ("Done",))
    assert [one.path for one in found.changed] == [("Clean", "Next")]


def test_a_field_of_the_machine_itself() -> None:
    assert fields(MACHINE, {**MACHINE, "TimeoutSeconds": 60}) == [("TimeoutSeconds", ABSENT, 60)]


def test_states_within_states() -> None:
    inner = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Output": 1, "End": True}}}
    other = {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}
    before = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [inner, other], "End": True}}}
    after = changed(before, "States", "P", "Branches", value=[changed(inner, "States", "A", "Output", value=2)])
    found = machine_change(before, after)
    assert found
    assert found.removed == ("P/B",)
    assert [one.path for one in found.changed if one.path[0] == "P/A"] == [("P/A", "Output")]


def test_a_definition_that_is_known_only_after_apply_is_said_to_be() -> None:
    found = machine_change(MACHINE, None, unknown={"definition": True})
    assert found and found.unreadable == "known only after apply"


def test_a_sensitive_definition_is_not_read() -> None:
    after = {**MACHINE, "TimeoutSeconds": 60}
    found = machine_change(MACHINE, after, sensitive=({}, {"definition": True}))
    assert found and found.unreadable == "a sensitive value"


def test_a_definition_that_only_follows_a_new_name() -> None:
    after = changed(MACHINE, "States", "Clean", "Arguments", "JobName", value="prefix-job")
    found = machine_change(MACHINE, after, [("job", "prefix-job")])
    assert found and found.follows_rename and not found.changed


def test_a_definition_that_stays_is_no_change() -> None:
    assert machine_change(MACHINE, MACHINE) is None


class TestHappyPath:
    def path(self, states: dict[str, Any]) -> list[str]:
        return [name for name, _ in asl_differences.happy_path({"StartAt": "A", "States": states})]

    def test_follows_choices_to_the_nearest_success(self) -> None:
        states = {
            "A": {"Type": "Choice", "Choices": [{"Next": "Wrong"}, {"Next": "Again"}], "Default": "Right"},
            "Wrong": {"Type": "Fail"},
            "Again": {"Type": "Wait", "Next": "A"},
            "Right": {"Type": "Pass", "End": True},
        }
        assert self.path(states) == ["A", "Right"]

    def test_does_not_follow_a_catch(self) -> None:
        states = {
            "A": {"Type": "Task", "Catch": [{"Next": "Short"}], "Next": "B"},
            "B": {"Type": "Pass", "Next": "C"},
            "C": {"Type": "Succeed"},
            "Short": {"Type": "Succeed"},
        }
        assert self.path(states) == ["A", "B", "C"]

    def test_enters_every_branch_and_one_item(self) -> None:
        inner = {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}}
        states = {
            "A": {"Type": "Parallel", "Branches": [inner, inner], "Next": "M"},
            "M": {"Type": "Map", "ItemProcessor": inner, "End": True},
        }
        assert self.path(states) == ["A", "I", "I", "M", "I"]

    def test_of_a_machine_that_can_only_fail_is_empty(self) -> None:
        assert self.path({"A": {"Type": "Pass", "Next": "A"}}) == []
