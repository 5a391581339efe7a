"""A schedule starts the pipeline once per moment, however often it is delivered."""

from __future__ import annotations

import json
import uuid

import pytest
import yaml

from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.environments import ROOT
from tests.waiting import until

DEFINITION = ROOT / "infra" / "state_machines" / "start-on-schedule.asl.yaml"
# What is started is of no account here.
STARTED = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}


def test_a_moment_that_is_delivered_twice_starts_one_execution(endpoint: LocalEndpoint) -> None:
    if endpoint.engine == "localstack":
        pytest.skip("LocalStack keeps schedules and starts nothing")
    clients = Clients(endpoint.endpoint_url, endpoint.region)
    client, iam = clients.get("stepfunctions"), clients.get("iam")
    name = f"once-{uuid.uuid4().hex[:8]}"
    services = [f"{service}.amazonaws.com" for service in ("scheduler", "states")]
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=policy("sts:AssumeRole", Principal={"Service": services})
    )
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=policy("states:StartExecution", Resource="*"))
    arn = role["Role"]["Arn"]
    machine = client.create_state_machine(name=f"{name}-pipeline", definition=json.dumps(STARTED), roleArn=arn)
    text = DEFINITION.read_text(encoding="utf-8").replace("${pipeline_state_machine_arn}", machine["stateMachineArn"])
    starter = client.create_state_machine(name=name, definition=json.dumps(yaml.safe_load(text)), roleArn=arn)
    # As infra/modules/schedule writes it.
    message = {
        "schedule": name,
        "scheduled_time": "<aws.scheduler.scheduled-time>",
        "dataset": "flights",
        "source_uri": "s3://raw/flights/",
        "parameters": {"late_minutes": 30},
        "repeat": True,
    }
    clients.get("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="at(2026-01-02T03:04:05)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": starter["stateMachineArn"], "RoleArn": arn, "Input": json.dumps(message)},
    )

    def ended() -> list[bool] | None:
        listed = client.list_executions(stateMachineArn=starter["stateMachineArn"])["executions"]
        found = [client.describe_execution(executionArn=one["executionArn"]) for one in listed]
        done = [json.loads(one["output"])["started"] for one in found if one["status"] == "SUCCEEDED"]
        assert not any(one["status"] in ("FAILED", "TIMED_OUT", "ABORTED") for one in found), found
        return done if len(done) == 2 else None

    assert True in until(ended, "the schedule was delivered twice")
    (started,) = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert started["name"] == f"{name}-20260102T030405Z"
    described = client.describe_execution(executionArn=started["executionArn"])
    given = ("dataset", "source_uri", "parameters", "repeat")
    assert json.loads(described["input"]) == {name: message[name] for name in given}


def policy(action: str, **more: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})
