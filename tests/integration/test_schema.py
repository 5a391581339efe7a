"""`nox -s schema` on deployed tables: what it adds, what it refuses, and that loads go on."""

from __future__ import annotations

from pathlib import Path

from pipeline_tools import deploy, deployed, schema
from pipeline_tools.claims import claimed
from pipeline_tools.local import write_whole
from pipeline_tools.terraform import Deployment
from tests.integration.conftest import Pipeline


def test_the_running_local_stack_is_found_and_is_up_to_date(pipeline: Pipeline, tmp_path: Path) -> None:
    with claimed(tmp_path / "local", "a test") as directory:
        write_whole(directory / "outputs.json", pipeline.outputs)
        found = deployed.find("local", directory)
    assert schema.create(found.clients, found.outputs) > 0
    assert schema.update(found.clients, found.outputs) == schema.Update((), ())


def test_a_new_column_is_added_and_loads_keep_their_order(pipeline: Pipeline) -> None:
    pipeline.query("ALTER TABLE analytics.route_delays DROP COLUMN mean_dep_delay")
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


def test_what_could_lose_data_is_refused(pipeline: Pipeline) -> None:
    pipeline.query("ALTER TABLE analytics.route_delays ADD COLUMN by_hand INTEGER")
    try:
        found = schema.update(pipeline.clients, pipeline.outputs)
    finally:
        pipeline.query("ALTER TABLE analytics.route_delays DROP COLUMN by_hand")
    assert found.statements == ()
    (refusal,) = found.refusals
    assert "by_hand" in refusal["problem"]
    assert refusal["statements"] == ['ALTER TABLE analytics."route_delays" DROP COLUMN "by_hand"']


def test_a_change_that_the_tables_cannot_take_is_not_applied(pipeline: Pipeline, deployment: Deployment) -> None:
    pipeline.query("ALTER TABLE analytics.route_delays ADD COLUMN by_hand INTEGER")
    name, client = pipeline.outputs["lambda_function_name"], pipeline.clients.get("lambda")
    before = client.get_function_configuration(FunctionName=name)["Description"]
    client.update_function_configuration(FunctionName=name, Description="what Terraform would put right")
    found = deployed.Deployed(pipeline.clients, pipeline.outputs)
    try:
        assert deploy.bring(found, deployment) == 1
        assert client.get_function_configuration(FunctionName=name)["Description"] == "what Terraform would put right"
    finally:
        pipeline.query("ALTER TABLE analytics.route_delays DROP COLUMN by_hand")
        client.update_function_configuration(FunctionName=name, Description=before)


def test_a_deployment_is_brought_to_the_checkout(pipeline: Pipeline, deployment: Deployment) -> None:
    # What was changed by hand is put right, and the tables are looked at.
    name, client = pipeline.outputs["lambda_function_name"], pipeline.clients.get("lambda")
    before = client.get_function_configuration(FunctionName=name)
    client.update_function_configuration(FunctionName=name, Description="changed by hand")
    assert deploy.bring(deployed.Deployed(pipeline.clients, pipeline.outputs), deployment) == 0
    after = client.get_function_configuration(FunctionName=name)
    assert (after["Description"], after["Environment"]) == (before["Description"], before["Environment"])
