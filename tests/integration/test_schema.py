"""`nox -s schema` on deployed tables: what it adds, what it refuses, and that loads go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import executions, redshift
from pipeline_tools import deployed
from pipeline_tools.claims import claimed, write_whole
from pipeline_tools.deployment import deploy, loader, schema
from pipeline_tools.terraform import Deployment
from tests.integration.conftest import Pipeline
from tests.waiting import SECONDS


def test_the_running_local_stack_is_found_and_is_up_to_date(pipeline: Pipeline, tmp_path: Path) -> None:
    with claimed(tmp_path / "local", "a test") as directory:
        write_whole(directory / "outputs.json", pipeline.outputs)
        found = deployed.find("local", directory)
    assert schema.create(found.clients, found.outputs) > 0
    assert schema.update(found.clients, found.outputs) == schema.Update((), ())


def test_a_new_column_is_added_and_loads_keep_their_order(pipeline: Pipeline) -> None:
    pipeline.administer("ALTER TABLE analytics.route_delays DROP COLUMN mean_dep_delay")
    found = schema.update(pipeline.clients, pipeline.outputs)
    assert found.statements == ('ALTER TABLE analytics."route_delays" ADD COLUMN "mean_dep_delay" DOUBLE PRECISION',)
    outcome = pipeline.run(pipeline.put(pipeline.sample(1)))
    assert outcome.succeeded, (outcome.error, outcome.cause)
    (row,) = pipeline.query(
        "SELECT mean_dep_delay, mean_arr_delay, worst_arr_delay FROM analytics.route_delays WHERE job_id = :job_id",
        job_id=outcome.output["job_id"],
    )
    # The first real flight of the data left 2 and arrived 11 minutes after schedule.
    assert row == {"mean_dep_delay": 2.0, "mean_arr_delay": 11.0, "worst_arr_delay": 11}


def test_audit_tables_of_an_earlier_version_are_brought_to_this_one(pipeline: Pipeline) -> None:
    pipeline.administer("ALTER TABLE audit.table_load RENAME COLUMN attempt TO aside")
    try:
        schema.create(pipeline.clients, pipeline.outputs)
        columns = schema.describe(pipeline.clients, pipeline.outputs, "audit")["table_load"]
        assert ("attempt", "integer") in [(column["column_name"], column["data_type"]) for column in columns]
    finally:
        pipeline.administer("ALTER TABLE audit.table_load DROP COLUMN attempt")
        pipeline.administer("ALTER TABLE audit.table_load RENAME COLUMN aside TO attempt")


def test_audit_tables_that_only_a_person_can_change_are_refused(pipeline: Pipeline) -> None:
    pipeline.administer("ALTER TABLE audit.turn ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 1")
    try:
        with pytest.raises(schema.SchemaError, match=r"audit\.turn has the column by_hand.*DROP COLUMN by_hand"):
            schema.create(pipeline.clients, pipeline.outputs)
    finally:
        pipeline.administer("ALTER TABLE audit.turn DROP COLUMN by_hand")


def test_what_could_lose_data_is_refused(pipeline: Pipeline) -> None:
    pipeline.administer("ALTER TABLE analytics.route_delays ADD COLUMN by_hand INTEGER")
    try:
        found = schema.update(pipeline.clients, pipeline.outputs)
    finally:
        pipeline.administer("ALTER TABLE analytics.route_delays DROP COLUMN by_hand")
    assert found.statements == ()
    (refusal,) = found.refusals
    assert "by_hand" in refusal["problem"]
    assert refusal["statements"] == ['ALTER TABLE analytics."route_delays" DROP COLUMN "by_hand"']


def test_a_change_that_the_tables_cannot_take_is_not_applied(pipeline: Pipeline, deployment: Deployment) -> None:
    pipeline.administer("ALTER TABLE analytics.route_delays ADD COLUMN by_hand INTEGER")
    name, client = pipeline.outputs["lambda_function_name"], pipeline.clients.get("lambda")
    before = client.get_function_configuration(FunctionName=name)["Description"]
    pipeline.update_function(name, Description="what Terraform would put right")
    found = deployed.Deployed(pipeline.clients, pipeline.outputs)
    try:
        assert deploy.bring(found, deployment) == 1
        assert client.get_function_configuration(FunctionName=name)["Description"] == "what Terraform would put right"
    finally:
        pipeline.administer("ALTER TABLE analytics.route_delays DROP COLUMN by_hand")
        pipeline.update_function(name, Description=before)


def test_a_deployment_is_brought_to_the_checkout(pipeline: Pipeline, deployment: Deployment) -> None:
    # What was changed by hand is put right, and the tables are looked at.
    name, client = pipeline.outputs["lambda_function_name"], pipeline.clients.get("lambda")
    before = client.get_function_configuration(FunctionName=name)
    pipeline.update_function(name, Description="changed by hand")
    assert deploy.bring(deployed.Deployed(pipeline.clients, pipeline.outputs), deployment) == 0
    after = client.get_function_configuration(FunctionName=name)
    assert (after["Description"], after["Environment"]) == (before["Description"], before["Environment"])


def test_who_loads_may_do_no_more(pipeline: Pipeline) -> None:
    assert pipeline.query("SELECT CAST(current_user AS VARCHAR(127)) AS name") == [{"name": loader.USER}]
    for statement in ("CREATE TABLE analytics.another (a INTEGER)", "DROP TABLE analytics.route_delays"):
        with pytest.raises(redshift.QueryError, match=r"permission denied for schema analytics|must be owner of table"):
            pipeline.query(statement)


def test_a_batch_of_run_sql_without_a_grant_fails_until_the_schema_is_brought_up_to_date(pipeline: Pipeline) -> None:
    client, machine = pipeline.clients.get("stepfunctions"), pipeline.outputs["run_sql_state_machine_arn"]
    statements = ["DELETE FROM analytics.route_delays WHERE job_id = 'nobody'"]
    batch = {"statement_name": "delete", "statements": statements, "parameters": []}

    def run() -> executions.ExecutionOutcome:
        arn = executions.start(client, machine, {"job_id": "nobody", "batch": batch})
        return executions.wait(client, arn, timeout_seconds=SECONDS)

    pipeline.administer(f"REVOKE DELETE ON analytics.route_delays FROM {loader.USER}")
    try:
        outcome = run()
    finally:
        schema.create(pipeline.clients, pipeline.outputs)
    assert not outcome.succeeded
    assert "permission denied for table route_delays" in str(outcome.cause)
    assert run().succeeded


def test_another_password_in_the_secret_counts_once_the_schema_is_brought_up_to_date(pipeline: Pipeline) -> None:
    secrets, arn = pipeline.clients.get("secretsmanager"), pipeline.outputs["redshift_secret_arn"]
    held = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({**held, "password": "Another-1-Secret"}))
    try:
        with pytest.raises(redshift.QueryError, match="password authentication failed"):
            pipeline.query("SELECT 1")
    finally:
        schema.create(pipeline.clients, pipeline.outputs)
    assert pipeline.query("SELECT 1 AS one") == [{"one": 1}]
