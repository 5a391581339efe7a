"""One execution, end to end: what a data engineer relies on."""

from __future__ import annotations

import json

from tests.integration.conftest import Pipeline


def test_a_job_counts_its_rows_at_every_stage(pipeline: Pipeline) -> None:
    outcome = pipeline.run(pipeline.put(pipeline.sample(200)), parameters={"late_minutes": 5})
    assert outcome.succeeded, (outcome.error, outcome.cause)
    counts = outcome.output["counts"]
    assert (counts["rows_in"], counts["rows_staged"], counts["rows_rejected"]) == (200, 200, 0)
    assert counts["rows_curated"] == counts["rows_loaded"]
    assert counts["rows_loaded"]["enriched_flights"] == 200


def test_a_parameter_reaches_the_rows(pipeline: Pipeline) -> None:
    # The first real flight of the data arrived 11 minutes after schedule.
    source = pipeline.put(pipeline.sample(1))
    late: dict[int, bool] = {}
    for minutes in (10, 11):
        outcome = pipeline.run(source, parameters={"late_minutes": minutes}, repeat=True)
        assert outcome.succeeded, (outcome.error, outcome.cause)
        sql = "SELECT arr_delay, late, carrier_name, dest_name FROM analytics.enriched_flights WHERE job_id = :job_id"
        rows = pipeline.query(sql, job_id=outcome.output["job_id"])
        assert [(row["arr_delay"], row["carrier_name"]) for row in rows] == [(11, "United Air Lines Inc.")]
        late[minutes] = rows[0]["late"]
    assert late == {10: True, 11: False}


def test_a_job_leaves_an_audit_row_and_one_row_a_stage(pipeline: Pipeline) -> None:
    outcome = pipeline.run(pipeline.put(pipeline.sample(20)))
    assert outcome.succeeded, (outcome.error, outcome.cause)
    job_id = outcome.output["job_id"]
    (job,) = pipeline.query("SELECT * FROM audit.job_run WHERE job_id = :job_id", job_id=job_id)
    assert (job["status"], job["attempt"], job["execution_arn"]) == ("SUCCEEDED", 1, outcome.arn)
    assert json.loads(job["parameters"]) == {"late_minutes": 15}
    assert (job["rows_in"], job["rows_staged"], job["rows_rejected"]) == (20, 20, 0)
    assert job["rows_curated"] == job["rows_loaded"] == sum(outcome.output["counts"]["rows_loaded"].values())
    assert job["error"] is None
    stages = pipeline.query("SELECT * FROM audit.stage_run WHERE job_id = :job_id", job_id=job_id)
    by_name = {stage["stage"]: stage for stage in stages}
    assert set(by_name) == {"python", "spark", "load"}
    assert by_name["python"]["rows_out"] == by_name["spark"]["rows_in"] == 20
    assert by_name["spark"]["rows_out"] == by_name["load"]["rows_in"] == by_name["load"]["rows_out"]
    assert {stage["contract_version"] for stage in stages} == {"1.0.0"}
    assert {stage["code_version"] for stage in stages} != {"unknown"}


def test_bad_rows_are_kept_with_their_reason_and_the_counts_add_up(pipeline: Pipeline) -> None:
    good, bad = pipeline.rows[:10], pipeline.rows[10].split(",")
    no_month = ",".join([bad[0], "", *bad[2:]])
    wrong_month = ",".join([bad[0], "13", *bad[2:]])
    not_a_number = ",".join([bad[0], "one", *bad[2:]])
    wrong_origin = ",".join([*bad[:12], "XXX", *bad[13:]])
    short = ",".join(bad[:5])
    lines = [pipeline.header, *good, no_month, wrong_month, not_a_number, wrong_origin, short, good[0]]
    outcome = pipeline.run(pipeline.put("\n".join(lines) + "\n"))
    assert outcome.succeeded, (outcome.error, outcome.cause)
    counts = outcome.output["counts"]
    assert (counts["rows_in"], counts["rows_staged"], counts["rows_rejected"]) == (16, 10, 6)
    rejected = pipeline.rejected(outcome)
    assert [row["line_number"] for row in rejected] == [12, 13, 14, 15, 16, 17]
    assert [row["column_name"] for row in rejected[:4]] == ["month", "month", "month", "origin"]
    assert [row["raw_row"] for row in rejected] == [no_month, wrong_month, not_a_number, wrong_origin, short, good[0]]
    assert all(row["reason"] for row in rejected)
    assert {row["job_id"] for row in rejected} == {outcome.output["job_id"]}
    manifest = pipeline.manifest(outcome, "python")
    assert manifest["rows_in"] == manifest["rows_out"] + manifest["rows_rejected"] == 16
    sql = "SELECT rows_in, rows_out, rows_rejected FROM audit.stage_run WHERE job_id = :job_id AND stage = 'python'"
    (stage,) = pipeline.query(sql, job_id=outcome.output["job_id"])
    assert stage == {"rows_in": 16, "rows_out": 10, "rows_rejected": 6}


def test_the_same_name_and_input_twice_is_one_job(pipeline: Pipeline) -> None:
    source = pipeline.put(pipeline.sample(5))
    first = pipeline.start(source, name="once-and-again")
    second = pipeline.start(source, name="once-and-again")
    assert first == second
    outcome = pipeline.wait(first)
    assert outcome.succeeded, (outcome.error, outcome.cause)
    rows = pipeline.query("SELECT job_id FROM audit.job_run WHERE source_uri = :uri", uri=source)
    assert [row["job_id"] for row in rows] == [outcome.output["job_id"]]


def test_executions_at_once_are_as_many_jobs(pipeline: Pipeline) -> None:
    # More than the endpoint has slots for jobs, so that some wait. A hundred at once: `nox -s bench -- growth`.
    rows = "".join(f"{number},1,note\n" for number in range(30))
    source = pipeline.put(f"order_id,position,note\n{rows}", name="order_lines.csv")
    arns = [pipeline.start(source, dataset="order_lines", repeat=True) for _ in range(8)]
    outcomes = [pipeline.wait(arn) for arn in arns]
    assert [outcome.status for outcome in outcomes] == ["SUCCEEDED"] * 8
    job_ids = {outcome.output["job_id"] for outcome in outcomes}
    assert len(job_ids) == 8
    audit = pipeline.query("SELECT job_id, status FROM audit.job_run WHERE source_uri = :uri", uri=source)
    assert {row["job_id"] for row in audit} == job_ids
    assert {row["status"] for row in audit} == {"SUCCEEDED"}
    assert len(audit) == 8
    counted = pipeline.query("SELECT job_id, COUNT(*) AS n FROM analytics.order_lines GROUP BY job_id")
    assert {row["job_id"]: row["n"] for row in counted if row["job_id"] in job_ids} == dict.fromkeys(job_ids, 30)
