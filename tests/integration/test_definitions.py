"""Small definitions of each kind end as AWS ends them, on whichever engine the endpoint has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint
from tests.waiting import until

DEFINITIONS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("definitions.yaml").read_text())
ROLE = "small-definitions"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def started(endpoint: LocalEndpoint) -> Iterator[tuple[Any, dict[str, str]]]:
    """The client and the executions by name: all run at the same time."""
    clients = Clients(endpoint.endpoint_url, endpoint.region)
    iam, client = clients.get("iam"), clients.get("stepfunctions")
    role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    machines, executions = [], {}
    for index, each in enumerate(DEFINITIONS):
        created = client.create_state_machine(
            name=f"small-{index}", roleArn=role, definition=json.dumps(each["definition"])
        )
        machines.append(created["stateMachineArn"])
        begun = client.start_execution(stateMachineArn=machines[-1], input=json.dumps(each.get("input", {})))
        executions[each["name"]] = begun["executionArn"]
    yield client, executions
    for machine in machines:
        client.delete_state_machine(stateMachineArn=machine)
    iam.delete_role(RoleName=ROLE)


def ended(client: Any, arn: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    return until(look, f"{arn} ended")


@pytest.mark.parametrize("each", DEFINITIONS, ids=lambda each: each["name"].replace(" ", "-"))
def test_it_ends_as_on_aws(started: tuple[Any, dict[str, str]], each: dict[str, Any]) -> None:
    client, executions = started
    arn = executions[each["name"]]

    found = ended(client, arn)
    history = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]

    outcome = {"status": found["status"]}
    if "output" in found:
        outcome["output"] = json.loads(found["output"])
    if found.get("error"):
        outcome["error"] = found["error"]
    assert outcome == {name: each[name] for name in ("status", "output", "error") if name in each}, found.get("cause")
    if "events" in each:
        # Branches and items of one state may take turns.
        assert sorted(event["type"] for event in history) == sorted(each["events"])
        assert [history[0]["type"], history[-1]["type"]] == [each["events"][0], each["events"][-1]]
