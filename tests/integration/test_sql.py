"""The state machine run-sql by itself: how values reach Redshift."""

from __future__ import annotations

import json

import pytest
import yaml

from pipeline import executions, redshift
from pipeline_tools.crosscheck import template
from pipeline_tools.environments import ROOT
from tests.integration.conftest import Pipeline
from tests.waiting import SECONDS

HOSTILE = "it's \\ a 'value': :number, $1, \\' -- \"x\" /* y */; 漢字 😀"


@pytest.mark.parametrize("mode", ["inlined", "bound"])
def test_values_reach_redshift_unchanged_in_either_mode(pipeline: Pipeline, mode: str) -> None:
    target = redshift.target(pipeline.outputs)
    (where,) = {"ClusterIdentifier", "WorkgroupName"} & set(target)
    values = {
        "redshift_target_parameter": where,
        "redshift_target": target[where],
        "redshift_database": target["Database"],
        "redshift_secret_arn": target["SecretArn"],
    }
    text = (ROOT / "infra" / "state_machines" / "run-sql.asl.yaml").read_text(encoding="utf-8")
    definition = dict(zip(("inlined", "bound"), template.renderings(text, values), strict=True))[mode]
    client = pipeline.clients.get("stepfunctions")
    deployed = client.describe_state_machine(stateMachineArn=pipeline.outputs["run_sql_state_machine_arn"])
    made = client.create_state_machine(
        name=f"{deployed['name']}-{mode}",
        definition=json.dumps(yaml.safe_load(definition)),
        roleArn=deployed["roleArn"],
    )["stateMachineArn"]
    batch = {
        "statement_name": mode,
        "statements": ["SELECT 1", "SELECT CAST(:number AS INTEGER), CAST(:text AS VARCHAR(99)), ' it''s '"],
        "parameters": [{"Name": "number", "Value": "7"}, {"Name": "text", "Value": HOSTILE}],
    }
    try:
        arn = executions.start(client, made, {"job_id": mode, "batch": batch})
        outcome = executions.wait(client, arn, timeout_seconds=SECONDS)
    finally:
        client.delete_state_machine(stateMachineArn=made)
    assert outcome.succeeded, (outcome.error, outcome.cause)
    (row,) = outcome.output["records"]
    assert row == [{"LongValue": 7}, {"StringValue": HOSTILE}, {"StringValue": " it's "}]
