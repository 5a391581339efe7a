"""Work that failed is never reported as done: the execution fails by name, and the audit row says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline import executions
from tests.integration.conftest import Pipeline
from tests.waiting import until

TRANSFORM = "sql/datasets/flights/transform.sql"
# Glue does not tell why a job failed: that comes from the file that the job leaves.
GLUE_SAYS = {"CleanWithPython": "Command failed with exit code 1", "TransformWithSpark": "SystemExit: 1"}


def assert_failed(pipeline: Pipeline, arn: str, *, state: str, said: str) -> dict[str, Any]:
    outcome = pipeline.wait(arn)
    assert outcome.status == "FAILED"
    if state in GLUE_SAYS:
        assert json.loads(outcome.cause)["ErrorMessage"] == GLUE_SAYS[state]
    else:
        assert said in f"{outcome.error} {outcome.cause}"
    audit = pipeline.audit_of(arn)
    assert audit["status"] == "FAILED"
    assert audit["failed_state"] == state
    assert said in f"{audit['error']} {audit['cause']}"
    assert audit["finished_at"] is not None
    loaded = pipeline.query(
        "SELECT COUNT(*) AS n FROM analytics.enriched_flights WHERE job_id = :job_id", job_id=audit["job_id"]
    )
    assert loaded == [{"n": 0}]
    return audit


def test_an_unknown_dataset(pipeline: Pipeline) -> None:
    arn = pipeline.start(pipeline.put(pipeline.sample(1)), dataset="flihgts")
    audit = assert_failed(pipeline, arn, state="GenerateJobId", said="is unknown; did you mean")
    assert audit["dataset"] == "flihgts"


def test_a_malformed_source_uri(pipeline: Pipeline) -> None:
    arn = pipeline.start("flights.csv")
    assert_failed(pipeline, arn, state="GenerateJobId", said="accepted: s3://bucket/prefix/")


def test_a_source_that_does_not_exist(pipeline: Pipeline) -> None:
    source = f"s3://{pipeline.outputs['raw_bucket']}/flights/nothing-here/"
    arn = pipeline.start(source)
    audit = assert_failed(pipeline, arn, state="CleanWithPython", said=source)
    assert audit["source_uri"] == source


def test_a_contract_column_that_is_missing_from_the_file(pipeline: Pipeline) -> None:
    arn = pipeline.start(pipeline.put("year,month\n2013,1\n"))
    assert_failed(pipeline, arn, state="CleanWithPython", said="day")


def test_a_spark_sql_error(pipeline: Pipeline) -> None:
    with pipeline.artifact(TRANSFORM, lambda sql: sql.replace("dep_delay", "dep_dleay")):
        arn = pipeline.start(pipeline.put(pipeline.sample(3)))
        assert_failed(pipeline, arn, state="TransformWithSpark", said="dep_dleay")


def test_a_load_that_fails(pipeline: Pipeline) -> None:
    source = pipeline.put(pipeline.sample(3))
    pipeline.administer("ALTER TABLE analytics.route_delays RENAME TO route_delays_aside")
    try:
        arn = pipeline.start(source)
        assert pipeline.wait(arn).status == "FAILED"
    finally:
        pipeline.administer("ALTER TABLE analytics.route_delays_aside RENAME TO route_delays")
    # What the batch loaded before it failed is gone with it: a batch is one transaction.
    assert_failed(pipeline, arn, state="LoadAndRecord", said="route_delays")


def test_a_redriven_load_fails_and_succeeds_as_a_new_attempt_of_the_same_job(pipeline: Pipeline) -> None:
    client, source = pipeline.clients.get("stepfunctions"), pipeline.put(pipeline.sample(3))
    pipeline.administer("ALTER TABLE analytics.route_delays RENAME TO route_delays_aside")
    try:
        arn = pipeline.start(source)
        assert pipeline.wait(arn).status == "FAILED"
        client.redrive_execution(executionArn=arn)
        assert pipeline.wait(arn).status == "FAILED"
    finally:
        pipeline.administer("ALTER TABLE analytics.route_delays_aside RENAME TO route_delays")
    client.redrive_execution(executionArn=arn)
    outcome = pipeline.wait(arn)
    assert outcome.succeeded, (outcome.error, outcome.cause)
    described = client.describe_execution(executionArn=arn)
    assert (described["redriveCount"], described["redriveStatus"]) == (2, "NOT_REDRIVABLE")
    rows = pipeline.query("SELECT status, redrive_count FROM audit.job_run WHERE execution_arn = :arn", arn=arn)
    assert rows == [{"status": "SUCCEEDED", "redrive_count": 2}]

    def three_attempts() -> bool | None:
        # The event of an attempt may come while the next one goes on.
        found = pipeline.query(
            "SELECT redrive_count, status FROM audit.job_attempt WHERE execution_arn = :arn", arn=arn
        )
        ends = {0: "FAILED", 1: "FAILED", 2: "SUCCEEDED"}
        return True if len(found) == 3 and {row["redrive_count"]: row["status"] for row in found} == ends else None

    until(three_attempts, "each attempt has its end")
    pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in pages.build_full_result()["events"]
        if "stateEnteredEventDetails" in event
    ]
    # Neither job is run again.
    assert [entered.count(name) for name in ("GenerateJobId", "CleanWithPython", "TransformWithSpark")] == [1, 1, 1]
    with pytest.raises(client.exceptions.ExecutionNotRedrivable, match="SUCCEEDED"):
        client.redrive_execution(executionArn=arn)


def test_rows_that_do_not_add_up_fail_the_load(pipeline: Pipeline) -> None:
    from pipeline.redshift import QueryError

    with pytest.raises(QueryError, match=r"rows do not add up: analytics.route_delays: 5 written by Spark, 0 copied"):
        pipeline.query("CALL audit.check_copied('route_delays', 5)")
    with pytest.raises(QueryError, match="rows do not add up: this: 1 expected, 2 found"):
        pipeline.query("CALL audit.check_equal('this', 1, 2)")


def test_an_aborted_execution_ends_its_job_run(pipeline: Pipeline) -> None:
    glue, job = pipeline.clients.get("glue"), pipeline.outputs["spark_job_name"]
    before = {run["Id"] for run in glue.get_job_runs(JobName=job)["JobRuns"]}
    arn = pipeline.start(pipeline.put(pipeline.sample(3)))

    def new_run() -> str | None:
        runs = glue.get_job_runs(JobName=job)["JobRuns"]
        return next((run["Id"] for run in runs if run["Id"] not in before), None)

    run_id = until(new_run, "the Spark job run was started")
    pipeline.clients.get("stepfunctions").stop_execution(executionArn=arn, cause="nobody needs it")
    assert pipeline.wait(arn).status == "ABORTED"

    def stopped() -> str | None:
        state = str(glue.get_job_run(JobName=job, RunId=run_id)["JobRun"]["JobRunState"])
        return state if state not in ("STARTING", "RUNNING", "STOPPING") else None

    assert until(stopped, "the Spark job run ended") == "STOPPED"
    audit = pipeline.audit_of(arn)
    assert (audit["status"], audit["error"], audit["failed_state"]) == ("FAILED", "ABORTED", "TransformWithSpark")
    # It goes on with the job that was stopped.
    pipeline.clients.get("stepfunctions").redrive_execution(executionArn=arn)
    outcome = pipeline.wait(arn)
    assert outcome.succeeded, (outcome.error, outcome.cause)
    rows = pipeline.query("SELECT status, attempt FROM audit.job_run WHERE execution_arn = :arn", arn=arn)
    assert rows == [{"status": "SUCCEEDED", "attempt": 2}]
    rows = pipeline.query("SELECT status FROM audit.job_attempt WHERE execution_arn = :arn ORDER BY attempt", arn=arn)
    assert [row["status"] for row in rows] == ["ABORTED", "SUCCEEDED"]


def test_a_failure_that_cannot_be_recorded_now_is_recorded_by_its_event_later(pipeline: Pipeline) -> None:
    client, machine = pipeline.clients.get("stepfunctions"), pipeline.outputs["record_failure_state_machine_arn"]
    pipeline.administer("ALTER TABLE audit.job_run RENAME TO job_run_aside")
    try:
        arn = pipeline.start(pipeline.put(pipeline.sample(1)), dataset="nothing")
        recorder = pipeline.recorder_of(arn)

        def told() -> str | None:
            pages = client.get_paginator("get_execution_history").paginate(executionArn=recorder)
            found = json.dumps(pages.build_full_result()["events"], default=str)
            return found if "RecordLater" in found else None

        said = until(told, "people were told")
    finally:
        pipeline.administer("ALTER TABLE audit.job_run_aside RENAME TO job_run")
    assert "NOT recorded yet, which is tried again for 24 hours" in said
    # It waits for its next try. Somebody stops it and starts it with its event, which the warehouse takes now.
    client.stop_execution(executionArn=recorder)
    event = json.loads(client.describe_execution(executionArn=recorder)["input"])
    again = pipeline.wait(executions.start(client, machine, event))
    assert again.succeeded, (again.error, again.cause)
    rows = pipeline.query("SELECT status, failed_state FROM audit.job_run WHERE execution_arn = :arn", arn=arn)
    assert rows == [{"status": "FAILED", "failed_state": "GenerateJobId"}]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"dataset": "x" * 130, "source_uri": "s3://bucket/x/", "parameters": {}}, "is unknown"),
        ({"dataset": "flights", "source_uri": "s3://" + "ü" * 700, "parameters": {}}, "accepted: s3://bucket/prefix/"),
        (["flights"], "the execution input is"),
    ],
    ids=["a long dataset", "a source of letters beyond ASCII", "no object"],
)
def test_any_input_that_is_refused_is_recorded(pipeline: Pipeline, document: Any, said: str) -> None:
    client = pipeline.clients.get("stepfunctions")
    arn = executions.start(
        client, pipeline.outputs["state_machine_arn"], document, name=f"{len(json.dumps(document))}" + "ü😀" * 38
    )
    assert_failed(pipeline, arn, state="GenerateJobId", said=said)


def test_an_input_that_is_no_json_starts_nothing(pipeline: Pipeline) -> None:
    client, machine = pipeline.clients.get("stepfunctions"), pipeline.outputs["state_machine_arn"]
    with pytest.raises(client.exceptions.InvalidExecutionInput):
        client.start_execution(stateMachineArn=machine, name="no-json", input="flights")
    assert "no-json" not in [found["name"] for found in client.list_executions(stateMachineArn=machine)["executions"]]


def test_people_are_told_of_a_failure(pipeline: Pipeline) -> None:
    sqs, sns = pipeline.clients.get("sqs"), pipeline.clients.get("sns")
    queue = sqs.create_queue(QueueName="failures-seen-by-a-test")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = pipeline.outputs["failure_topic_arn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": queue_arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, ReturnSubscriptionArn=True)
    try:
        arn = pipeline.start(pipeline.put(pipeline.sample(1)), dataset="nothing")
        audit = pipeline.audit_of(arn)
        received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        notice = json.loads(received[0]["Body"])
        message = json.loads(notice["Message"])
        assert notice["Subject"] == f"FAILED {audit['job_id']}: nothing in GenerateJobId"
        assert (message["job_id"], message["execution_arn"]) == (audit["job_id"], arn)
        assert 'dataset "nothing" is unknown' in message["cause"]
        assert message["audit"] == "recorded in audit.job_run"
        # The event comes a second time.
        client, recorder = pipeline.clients.get("stepfunctions"), pipeline.recorder_of(arn)
        event = json.loads(client.describe_execution(executionArn=recorder)["input"])
        again = pipeline.wait(executions.start(client, pipeline.outputs["record_failure_state_machine_arn"], event))
        assert (again.succeeded, again.output["execution_arn"]) == (True, recorder)
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=received[0]["ReceiptHandle"])
        assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=queue)
