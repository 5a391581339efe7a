"""What the state machines do about an API that says: later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from aws_facts import errors, redshift_data
from local_aws import jsonata
from pipeline_tools.crosscheck import template
from pipeline_tools.crosscheck.apis import Api

MACHINES = Path(__file__).parents[3] / "infra" / "state_machines"


def tasks(node: Any) -> Iterator[tuple[str, Any]]:
    for name, state in (node.get("States") or node).items() if "States" in node else ():
        yield name, state
        yield from tasks(state.get("ItemProcessor") or state)


@pytest.mark.parametrize("error", redshift_data.THROTTLED)
def test_each_call_of_the_data_api_is_tried_again_when_it_is_throttled(error: str) -> None:
    found = []
    for file in sorted(MACHINES.glob("*.asl.yaml")):
        for rendering in template.renderings(file.read_text("utf-8"), {}):
            for name, state in tasks(template.read(rendering)[0]):
                if "aws-sdk:redshiftdata:" in state.text("Resource"):
                    rules = state.get("Retry").nodes()
                    listed = [each.value for rule in rules for each in rule.get("ErrorEquals").nodes()]
                    found.append((name, error in listed))
    assert {name for name, _ in found} == {
        *("ExecuteBatch", "DescribeStatement", "ReadResult", "CancelStatement"),
        *("FindOpenStatement", "CancelOpenStatement"),
    }
    assert [name for name, listed in found if not listed] == []


def throttled(api: Api) -> list[str]:
    """What a call fails with where its service says: later. The base class stands for what a model lacks."""
    if api.sdk:
        service = {"glue": "Glue", "redshiftdata": "RedshiftData", "sfn": "Sfn", "s3": "S3"}[api.service]
        return [f"{service}.{service}Exception", f"{service}.SdkClientException"]
    prefix, base = errors.OPTIMIZED[api.service]
    return [f"{prefix}.{base}", f"{prefix}.SdkClientException"]


def seconds(rule: Any) -> float:
    """The longest that a rule waits in all."""
    waits, wait = 0.0, float(rule["IntervalSeconds"])
    for _ in range(rule["MaxAttempts"]):
        waits += min(wait, rule.get("MaxDelaySeconds", wait))
        wait *= rule["BackoffRate"]
    return waits


# An evidence file that cannot be read is passed over.
PASSED_OVER = ("ReadFile",)


@pytest.mark.parametrize("machine", sorted(file.name.removesuffix(".asl.yaml") for file in MACHINES.glob("*.asl.yaml")))
def test_each_task_is_tried_again_a_few_times_when_its_service_is_throttled(machine: str) -> None:
    for rendering in template.renderings((MACHINES / f"{machine}.asl.yaml").read_text("utf-8"), {}):
        states = yaml.safe_load(rendering)["States"]
        found = [(name, state) for name, state in states.items() if state["Type"] == "Task"]
        for state in states.values():
            found += (state.get("ItemProcessor") or {"States": {}})["States"].items()
        for name, state in found:
            if state["Type"] != "Task" or name in PASSED_OVER:
                continue
            for error in throttled(Api.read(state["Resource"])):
                met = [rule for rule in state["Retry"] if {error, "States.ALL"} & {*rule["ErrorEquals"]}]
                assert met, f"{machine}: {name} gives up at {error}"
                # They cover what lasts as well: a wrong permission shall not keep a job for hours.
                if (
                    error.endswith("Exception")
                    and "SdkClient" not in error
                    and "States.ALL" not in met[0]["ErrorEquals"]
                ):
                    assert seconds(met[0]) <= 300, f"{machine}: {name} tries {error} for too long"


CONFLICT = "Serializable isolation violation on table"


@pytest.mark.parametrize(
    ("text", "again"),
    [
        (f"ERROR: 1023 DETAIL: {CONFLICT} - 261326, transactions forming the cycle are: 1, 2 (pid:3)", True),
        (f"Query #3 failed with ERROR: 1023 DETAIL: {CONFLICT} in Redshift", True),
        (f"ERROR: 1023\n  Detail: {CONFLICT} - t", True),
        (f"ERROR:  1023\nDETAIL:  {CONFLICT} - t", True),
        (f"ERROR: 1023 Details: {CONFLICT}", True),
        ("ERROR: rows do not add up: analytics.t: 1023 written by Spark, 0 loaded", False),
        ("ERROR: Load into table 't' failed after 1023 rows", False),
        (
            "ERROR: job 20260131T100001023Z-5f0f1023-6f0e-5b8e-9f43-6a1c3c1a1023 has ended: it must not load the job",
            False,
        ),
        ("ERROR: 1023", False),
        ("ERROR: 10231 DETAIL: " + CONFLICT, False),
        (f"ERROR: 1018 DETAIL: {CONFLICT}", False),
        ("ERROR: value too long for type character varying(1023)", False),
        ("ERROR: deadlock detected", False),
    ],
)
def test_a_transaction_is_run_again_where_another_one_was_in_its_way(text: str, again: bool) -> None:
    for rendering in template.renderings((MACHINES / "run-sql.asl.yaml").read_text("utf-8"), {}):
        rules = yaml.safe_load(rendering)["States"]["IsFinished"]["Choices"]
        (condition,) = (rule["Condition"] for rule in rules if rule["Next"] == "WaitToRunAgain")
        known = {"status": "FAILED", "attempt": 4, "error": text}
        assert jsonata.evaluate(condition.removeprefix("{%").removesuffix("%}"), known) is again
        assert jsonata.evaluate(condition.removeprefix("{%").removesuffix("%}"), {**known, "attempt": 5}) is False
