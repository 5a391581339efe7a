"""What starts the pipeline by itself."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import yaml

from pipeline_tools import executions
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.environments import ROOT
from tests.integration.conftest import Pipeline, until


def test_a_marker_object_starts_the_pipeline_on_its_folder_once(pipeline: Pipeline) -> None:
    source = pipeline.put(pipeline.sample(3))
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    client = pipeline.clients.get("stepfunctions")
    starter = pipeline.outputs["state_machine_arn"].removesuffix("-pipeline") + "-start-on-arrival"

    def inputs(state_machine: str) -> dict[str, dict[str, Any]]:
        listed = client.list_executions(stateMachineArn=state_machine)["executions"]
        arns = [found["executionArn"] for found in listed]
        return {arn: json.loads(client.describe_execution(executionArn=arn)["input"]) for arn in arns}

    assert not any(
        document.get("source_uri") == source for document in inputs(pipeline.outputs["state_machine_arn"]).values()
    )
    pipeline.clients.get("s3").put_object(Bucket=bucket, Key=f"{prefix}_READY", Body=b"")

    def event() -> dict[str, Any] | None:
        return next((found for found in inputs(starter).values() if found["key"] == f"{prefix}_READY"), None)

    delivered = until(event, "the marker's event started start-on-arrival")

    # EventBridge may deliver an event twice.
    again = pipeline.wait(executions.start(client, starter, delivered))
    assert again.succeeded, (again.error, again.cause)
    started = [
        arn for arn, found in inputs(pipeline.outputs["state_machine_arn"]).items() if found.get("source_uri") == source
    ]
    assert len(started) == 1
    outcome = pipeline.wait(started[0])
    assert outcome.succeeded, (outcome.error, outcome.cause)
    assert outcome.output["counts"]["rows_in"] == 3


def test_a_schedule_starts_the_pipeline_once_however_often_it_is_delivered(
    pipeline: Pipeline, endpoint: LocalEndpoint
) -> None:
    """Of a data set that is not there, so that the pipeline ends at its first state."""
    if endpoint.engine == "localstack":
        pytest.skip("LocalStack keeps schedules and starts nothing")
    client, iam = pipeline.clients.get("stepfunctions"), pipeline.clients.get("iam")
    machine = pipeline.outputs["state_machine_arn"]
    name = f"once-{uuid.uuid4().hex[:8]}"
    definition = (ROOT / "infra" / "state_machines" / "start-on-schedule.asl.yaml").read_text(encoding="utf-8")
    starter_role = f"{machine.rpartition(':')[2].removesuffix('-pipeline')}-start-on-arrival"
    starter = client.create_state_machine(
        name=name,
        definition=json.dumps(yaml.safe_load(definition.replace("${pipeline_state_machine_arn}", machine))),
        roleArn=iam.get_role(RoleName=starter_role)["Role"]["Arn"],
    )["stateMachineArn"]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy("sts:AssumeRole", service="scheduler"))
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy("states:StartExecution", on=starter))
    message = {
        "schedule": name,
        "scheduled_time": "<aws.scheduler.scheduled-time>",
        "dataset": "nothing",
        "source_uri": f"s3://{pipeline.outputs['raw_bucket']}/nothing/",
        "parameters": {},
    }
    pipeline.clients.get("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="at(2026-01-02T03:04:05)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": starter, "RoleArn": role["Role"]["Arn"], "Input": json.dumps(message)},
    )

    def ended() -> list[bool] | None:
        arns = [found["executionArn"] for found in client.list_executions(stateMachineArn=starter)["executions"]]
        found = [client.describe_execution(executionArn=arn) for arn in arns]
        done = [json.loads(one["output"])["started"] for one in found if one["status"] == "SUCCEEDED"]
        assert not any(one["status"] in ("FAILED", "TIMED_OUT", "ABORTED") for one in found), found
        return done if len(done) == 2 else None

    try:
        assert sorted(until(ended, "the schedule was delivered twice")) == [False, True]
        started = [found["name"] for found in client.list_executions(stateMachineArn=machine)["executions"]]
        assert [found for found in started if name in found] == [f"{name}-20260102T030405Z"]
    finally:
        pipeline.clients.get("scheduler").delete_schedule(Name=name)
        client.delete_state_machine(stateMachineArn=starter)


def policy(action: str, *, service: str = "", on: str = "") -> str:
    """A trust policy for a service, or a policy for a resource."""
    whom = {"Principal": {"Service": f"{service}.amazonaws.com"}} if service else {"Resource": on}
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **whom}]})
