from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline import costs, usage
from pipeline.clients import Clients
from pipeline.costs import Cost, CostLine
from pipeline.jobs import Attempt, Job
from pipeline.prices import prices
from pipeline.stacks import Stack
from pipeline.usage import UsedJobRun

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:dev-pipeline"
RECORDER = MACHINE.replace("dev-pipeline", "dev-record-failure")
RUN = "arn:aws:states:us-east-1:000000000000:execution:dev-pipeline:run"
CHILD = "arn:aws:states:us-east-1:000000000000:execution:dev-run-sql:load"
JOB_ID = "20261101T000000000Z-5f0f6a0e-6f0e-5b8e-9f43-6a1c3c1a8c11"
CLUSTER = {"redshift_cluster_identifier": "dev-redshift"}
HOUR = 3600


class History:
    """The events of an execution, each after the one before."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, *, after: float = 1.0, previous: int | None = None, **details: Any) -> History:
        number = len(self.events) + 1
        moment = (self.events[-1]["timestamp"] if self.events else BEGAN) + timedelta(seconds=after)
        event = {"id": number, "previousEventId": number - 1 if previous is None else previous, "type": kind}
        self.events.append(event | {"timestamp": moment} | details)
        return self

    def state(self, name: str, kind: str = "Task") -> History:
        return self.add(f"{kind}StateEntered", stateEnteredEventDetails={"name": name})

    def task(self, resource: str, kind: str, output: Any = None) -> History:
        name = f"task{kind}EventDetails"
        details: Any = {"resourceType": resource, **({"output": json.dumps(output)} if output is not None else {})}
        self.add(f"Task{kind}")
        self.events[-1][name] = details
        return self


@dataclass
class Service:
    """A client whose pages and answers are given. An execution or job run that is not given is not known."""

    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, list[int]] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    capacity: int = 8

    def get_paginator(self, name: str) -> Any:
        service = self

        class Pages:
            def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
                return iter(getattr(service, f"pages_of_{name}")(**asked))

        return Pages()

    def pages_of_get_execution_history(self, executionArn: str) -> list[dict[str, Any]]:  # noqa: N803
        if executionArn not in self.histories:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "GetExecutionHistory")
        events = self.histories[executionArn]
        return [{"events": events[:2]}, {"events": events[2:]}]

    def pages_of_list_objects_v2(self, *, Prefix: str, **_asked: Any) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Size": size}]} for size in self.objects.get(Prefix, [])] or [{}]

    def pages_of_filter_log_events(self, logGroupName: str, **_asked: Any) -> list[dict[str, Any]]:  # noqa: N803
        if logGroupName not in self.lines:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "FilterLogEvents")
        return [{"events": [{"message": line} for line in self.lines[logGroupName]]}]

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        return {"CommonPrefixes": [{"Prefix": f"{asked['Prefix']}totals/"}]}

    def get_job_run(self, RunId: str, **_asked: Any) -> dict[str, Any]:  # noqa: N803
        if RunId not in self.runs:
            raise ClientError({"Error": {"Code": "EntityNotFoundException"}}, "GetJobRun")
        return {"JobRun": self.runs[RunId]}

    def get_function_configuration(self, **_asked: Any) -> dict[str, Any]:
        return {"MemorySize": 512, "Architectures": ["arm64"]}

    def get_workgroup(self, **_asked: Any) -> dict[str, Any]:
        return {"workgroup": {"baseCapacity": self.capacity}}


@dataclass(frozen=True)
class Given(Clients):
    service: Service = field(default_factory=Service)

    def get(self, _service: str) -> Any:
        return self.service


def stack(service: Service, **outputs: str) -> Stack:
    common = {
        "state_machine_arn": MACHINE,
        "record_failure_state_machine_arn": RECORDER,
        "lake_bucket": "lake",
        "lambda_function_name": "dev-generate",
    }
    return Stack(Given(None, "us-east-1", service), {**common, **(outputs or CLUSTER)}, Path("outputs.json"))


def job(status: str = "SUCCEEDED", *more: Attempt) -> Job:
    return Job(JOB_ID, (Attempt(RUN, 0, status, BEGAN), *more), dataset="orders", counts={"rows_in": 2_000_000})


def whole() -> Service:
    pipeline = History().add("ExecutionStarted").state("GenerateJobId").task("lambda", "Scheduled")
    pipeline.task("lambda", "Started").task("lambda", "Succeeded", {"SdkResponseMetadata": {"RequestId": "req-1"}})
    pipeline.state("Clean").task("glue", "Scheduled").task("glue", "Started")
    pipeline.task("glue", "Submitted", {"JobName": "python", "JobRunId": "jr_1"}).task("glue", "Succeeded", {})
    pipeline.state("Load").task("states", "Scheduled").task("states", "Submitted", {"ExecutionArn": CHILD})
    pipeline.task("states", "Succeeded", {}).add("ExecutionSucceeded")
    child = History().add("ExecutionStarted").state("ExecuteBatch").task("aws-sdk:redshiftdata", "Scheduled")
    child.task("aws-sdk:redshiftdata", "Succeeded", {"Id": "s1"})
    for nanoseconds in (-1, 2_500_000_000):
        child.state("DescribeStatement").task("aws-sdk:redshiftdata", "Scheduled")
        child.task("aws-sdk:redshiftdata", "Succeeded", {"Id": "s1", "Duration": nanoseconds})
    child.add("ExecutionSucceeded")
    return Service(
        histories={RUN: pipeline.events, CHILD: child.events},
        runs={"jr_1": {"JobRunState": "SUCCEEDED", "ExecutionTime": 90, "MaxCapacity": 0.0625}},
        objects={
            f"runs/{JOB_ID}/": [100],
            f"staged/orders/job_id={JOB_ID}/": [1_000, 2_000],
            f"curated/orders/totals/job_id={JOB_ID}/": [900],
        },
        lines={
            "/aws/lambda/dev-generate": [
                "REPORT RequestId: req-1\tDuration: 400.10 ms\tBilled Duration: 500 ms\tMemory Size: 512 MB\tMax",
                "REPORT RequestId: other\tDuration: 9 ms\tBilled Duration: 9000 ms\tMemory Size: 512 MB\tMax",
            ],
            "/aws-glue/python-jobs/output": ["x" * 74],
        },
    )


def amounts(cost: Cost) -> dict[tuple[str, str], CostLine]:
    return {(line.what, line.unit): line for line in cost.lines}


def test_each_service_is_asked_what_it_did() -> None:
    found = usage.of_job(stack(whole()), job())
    assert found.transitions == {"dev-pipeline": 3, "dev-run-sql": 3}
    assert found.job_runs == [UsedJobRun("python", "jr_1", "SUCCEEDED", 90, 0.0625, "STANDARD", False)]
    assert [(call.seconds, call.reported) for call in found.invocations] == [(0.5, True)]
    assert found.statements == {"s1": 2.5}
    assert (found.objects, found.stored_bytes, found.log_bytes) == (4, 4_000, 100)
    assert found.gaps == []


def test_amounts_are_use_times_price() -> None:
    listed, cost = prices(), costs.of_job(stack(whole()), job())
    found = amounts(cost)
    assert found["Step Functions dev-pipeline", "transitions"].amount == 3 * listed.one("step_functions", "transition")
    glue = found["Glue python jr_1… SUCCEEDED", "DPU-seconds"]
    assert glue.quantity == 90 * 0.0625
    assert glue.amount == pytest.approx(90 * 0.0625 * 0.44 / HOUR)
    memory = found["Lambda dev-generate", "GB-seconds"]
    assert (memory.quantity, memory.measured) == (0.25, "REPORT lines of 1")
    assert memory.amount == pytest.approx(0.25 * listed.one("lambda", "gb_second_arm64"))
    assert all(line.amount == pytest.approx(line.quantity * line.price) for line in cost.lines)
    assert cost.total == pytest.approx(sum(line.amount for line in cost.lines))
    assert cost.per_million_rows == pytest.approx(cost.total / 2)
    assert "dev-redshift costs the same with and without the job, which used 2.5 s of it" in cost.gaps[0]


def test_a_retry_and_a_redrive_are_transitions_as_well() -> None:
    events = History().add("ExecutionStarted").state("A").task("glue", "Scheduled").task("glue", "Failed")
    events.task("glue", "Scheduled").task("glue", "Failed").add("ExecutionFailed")
    events.add("ExecutionRedriven").task("glue", "Scheduled").task("glue", "Succeeded")
    events.state("B", "Pass").add("ExecutionSucceeded")
    assert usage.transitions(events.events) == 2 + 2


def test_the_recorder_of_a_failure_counts() -> None:
    name = "failed-" + hashlib.sha256(f"{RUN}#0#TIMED_OUT".encode()).hexdigest()[:40]
    recorder = History().state("B").add("ExecutionSucceeded")
    service = Service(
        histories={
            RUN: History().add("ExecutionStarted").state("A").add("ExecutionTimedOut").events,
            f"{RECORDER}:{name}".replace("stateMachine", "execution"): recorder.events,
        }
    )
    found = usage.of_job(stack(service), job("TIMED_OUT"))
    assert found.transitions == {"dev-pipeline": 1, "dev-record-failure": 1}
    assert found.gaps == [
        "the execution that EventBridge starts hands a failure on in 4 transitions, which are not counted"
    ]


def test_what_is_forgotten_or_still_at_work_is_said() -> None:
    gaps = usage.of_job(stack(Service()), job()).gaps
    assert gaps == ["execution run of dev-pipeline is not known any more (Step Functions keeps a history for 90 days)"]
    running = whole()
    running.histories[RUN].pop()
    del running.runs["jr_1"]
    gaps = usage.of_job(stack(running), job("RUNNING")).gaps
    assert gaps == [
        "the job is still at work: this is its use so far",
        "job run jr_1 of python is not known to Glue any more",
    ]


def test_without_report_lines_the_history_has_the_time() -> None:
    service = whole()
    del service.lines["/aws/lambda/dev-generate"]
    memory = amounts(costs.of_job(stack(service), job()))["Lambda dev-generate", "GB-seconds"]
    assert (memory.quantity, memory.measured) == (0.5, "REPORT lines of 0, history of 1 (at most)")


def test_a_run_is_billed_for_a_minute_or_by_what_glue_counted() -> None:
    service = whole()
    service.runs["jr_1"] = {"JobRunState": "FAILED", "ExecutionTime": 5, "WorkerType": "G.2X", "NumberOfWorkers": 3}
    [line] = [line for line in costs.of_job(stack(service), job()).lines if line.unit == "DPU-seconds"]
    assert (line.what, line.quantity) == ("Glue python jr_1… FAILED", 60 * 6)
    service.runs["jr_1"] |= {"DPUSeconds": 1000.0, "ExecutionClass": "FLEX"}
    [line] = [line for line in costs.of_job(stack(service), job()).lines if line.unit == "DPU-seconds"]
    assert (line.quantity, line.price) == (1000, 0.29 / HOUR)


def test_a_workgroup_is_billed_by_the_second_of_a_batch() -> None:
    cost = costs.of_job(stack(whole(), redshift_workgroup_name="dev-work"), job())
    line = amounts(cost)["Redshift dev-work", "RPU-seconds"]
    assert (line.quantity, line.price) == (60 * 8, 0.375 / HOUR)


def test_other_shapes_of_a_run() -> None:
    spark = UsedJobRun("spark", "jr_2", "SUCCEEDED", 600, 2, "STANDARD", True)
    found = {shape.size: shape for shape in costs.shapes_of(spark, prices())}
    assert [size for size, shape in found.items() if shape.used] == ["2 × G.1X STANDARD"]
    five = found["5 × G.1X FLEX"]
    assert five.as_long == pytest.approx(600 * 5 * 0.29 / HOUR)
    assert five.shared == pytest.approx(600 * 2 * 0.29 / HOUR)
    python = UsedJobRun("python", "jr_1", "SUCCEEDED", 320, 0.0625, "STANDARD", False)
    whole_dpu = list(costs.shapes_of(python, prices()))[1]
    # A sixteenth of 320 s is below the minute that is billed at least.
    assert whole_dpu.as_long == pytest.approx(320 * 0.44 / HOUR)
    assert whole_dpu.shared == pytest.approx(60 * 0.44 / HOUR)
