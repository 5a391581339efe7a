"""What a case does beyond its steps: a function each, named in the data."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from dataset_contract.json_types import JsonObject
from pipeline import executions, redshift
from pipeline.executions import ExecutionOutcome

if TYPE_CHECKING:
    from pipeline_tools.chaos.play import Play

# Gives the same numbers of rows as the source of all cases.
REPLACED = "id,place,amount\n11,north,1.00\n12,south,1.00\n13,north,1.00\nfour,west,1.00\n14,east,1.00\n"


class DeedError(RuntimeError):
    """What a deed looks for is not so; the message says what is."""


def _redrive_the_recorder(play: Play) -> None:
    client = play.rig.clients.get("stepfunctions")
    for attempt in play.attempts:
        for number, recorder in enumerate(attempt.recorders):
            if not recorder.succeeded:
                client.redrive_execution(executionArn=recorder.arn)
                attempt.recorders[number] = play.ended(recorder.arn)


def _lock(table: str) -> Callable[[Play], None]:
    """Another transaction keeps a table until it is let go."""

    def lock(play: Play) -> None:
        client, outputs = play.rig.clients.get("redshift-data"), redshift.as_administrator(play.rig.outputs)
        sqls = [f"LOCK {table}", "SELECT pg_sleep(300)"]
        play.kept["lock"] = client.batch_execute_statement(**redshift.target(outputs), Sqls=sqls)["Id"]
        play.kept["table"] = table
        name = f"{play.kept['lock']}:1"
        play.until(lambda: client.describe_statement(Id=name)["Status"] == "FINISHED" or None, "the table is locked")

    return lock


def _wait_for_the_load(play: Play) -> None:
    """Until the load of the first job has come to the table: it is at a statement that names it."""
    client, job, table = play.rig.clients.get("redshift-data"), play.runs[0].job_id, play.kept["table"]

    def waiting() -> bool | None:
        listed = play.rig.statements(job, "STARTED")
        loads = [each["Id"] for each in listed if each["StatementName"].endswith("load")]
        described = [client.describe_statement(Id=each)["SubStatements"] for each in loads]
        names = (table, table.removeprefix("analytics."))
        return (
            any(
                part["Status"] == "STARTED" and any(name in part["QueryString"] for name in names)
                for parts in described
                for part in parts
            )
            or None
        )

    play.until(waiting, "the load waits for the table")


def _wait_for_a_job_run(play: Play) -> None:
    name, job = play.rig.outputs["python_job_name"], play.runs[0].job_id

    def started() -> bool | None:
        runs = play.rig.job_runs(name, play.began)
        return any(run["Arguments"].get("--job_id") == job for run in runs) or None

    play.until(started, "a job run is started")


def _wait_for_a_nested_execution(play: Play) -> None:
    job = play.runs[0].job_id
    play.until(
        lambda: any(each["name"].startswith(job) for each in play.rig.executions("run-sql", since=play.began)) or None,
        "a nested execution is started",
    )


def _wait_for_two_of_a_step(play: Play) -> None:
    """Until a step has been started twice: a try whose answer was lost, and the next one."""
    prefix = f"{play.runs[0].job_id}-"

    def steps() -> Counter[str]:
        listed = play.rig.executions("run-sql", since=play.began)
        names = [each["name"] for each in listed if each["name"].startswith(prefix)]
        return Counter(name.removeprefix(prefix).partition("-")[0] for name in names)

    play.until(lambda: max(steps().values(), default=0) >= 2 or None, "a step is started twice")


def _the_job_run_still_works(play: Play) -> None:
    name, job = play.rig.outputs["python_job_name"], play.runs[0].job_id
    runs = [run for run in play.rig.job_runs(name, play.began) if run["Arguments"].get("--job_id") == job]
    found = [run["JobRunState"] for run in runs]
    if len(found) != 1 or found[0] not in ("STARTING", "RUNNING"):
        raise DeedError(f"the job run does not work any more: {found}")


def _recorder(play: Play, event: JsonObject) -> ExecutionOutcome:
    """The end of the recorder that a person starts with an event."""
    client = play.rig.clients.get("stepfunctions")
    outcome = play.ended(executions.start(client, play.rig.machine("record-failure"), event))
    # It starts another one, which does the work.
    return play.ended(outcome.output["execution_arn"]) if outcome.succeeded else outcome


def _tell_of(named: Callable[[str], str], error: str) -> Callable[[Play], None]:
    """Start the recorder with the first execution's event, but of another execution: it fails, and records nothing."""

    def tell(play: Play) -> None:
        event = play.rig.event_of(play.runs[0].arn)
        arn = event["detail"]["executionArn"] = named(play.runs[0].arn)
        outcome = _recorder(play, event)
        if (outcome.status, outcome.error) != ("FAILED", error) or arn not in outcome.cause:
            raise DeedError(f"the recorder ended as {outcome.status}: {outcome.error}: {outcome.cause}")
        rows = play.rig.query("SELECT job_id FROM audit.job_attempt WHERE execution_arn = :arn", arn=arn)
        if rows or play.rig.notices.about(arn):
            raise DeedError(f"{arn} is recorded as {rows} and told as {play.rig.notices.about(arn)}")

    return tell


def _tell_of_it_as_forgotten(play: Play) -> None:
    """Start the recorder with what a person can say of the first execution when Step Functions knows it no more."""
    run, now = play.runs[0], int(time.time() * 1000)
    detail = {
        "executionArn": run.arn,
        "name": run.arn.rpartition(":")[2],
        "status": "FAILED",
        "redriveCount": 0,
        "startDate": now - 91 * 24 * 60 * 60 * 1000,
        "stopDate": now,
        "input": json.dumps({"job_id": run.job_id}),
        "error": "Forgotten",
        "cause": "lost",
    }
    outcome = _recorder(play, {"detail": detail})
    if not outcome.succeeded:
        raise DeedError(f"the recorder ended as {outcome.status}: {outcome.error}: {outcome.cause}")


def _unlock_the_table(play: Play) -> None:
    play.rig.clients.get("redshift-data").cancel_statement(Id=play.kept["lock"])


def _replace_the_source(play: Play) -> None:
    play.rig.put_source(play.runs[0].name, REPLACED)


def _put_a_foreign_file(play: Play) -> None:
    """A file of the first job among the curated ones of the second."""
    s3, bucket = play.rig.clients.get("s3"), play.rig.outputs["lake_bucket"]
    first, second = (f"curated/chaos/chaos_lines/job_id={run.job_id}/" for run in play.runs[:2])
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=first)["Contents"]:
        key = second + "foreign-" + item["Key"].rpartition("/")[2]
        s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": item["Key"]})


def _exchange_manifest(stage: str) -> Callable[[Play], None]:
    """The first job's manifest of a stage takes the place of the second's."""

    def exchange(play: Play) -> None:
        s3, bucket = play.rig.clients.get("s3"), play.rig.outputs["lake_bucket"]
        first, second = (f"runs/{run.job_id}/{stage}.json" for run in play.runs[:2])
        s3.copy_object(Bucket=bucket, Key=second, CopySource={"Bucket": bucket, "Key": first})

    return exchange


def _put_another_python_run(play: Play) -> None:
    """What the Python stage wrote, as if another run had written it: its manifest is that of the other run."""
    s3, bucket, job = play.rig.clients.get("s3"), play.rig.outputs["lake_bucket"], play.runs[0].job_id
    manifest = f"runs/{job}/python.json"
    document = json.loads(s3.get_object(Bucket=bucket, Key=manifest)["Body"].read())
    own, other = document["stage_run"], f"{document['stage_run'][:-8]}ffffffff"
    for prefix in (f"staged/chaos/job_id={job}/", f"references/chaos/job_id={job}/", f"runs/{job}/python/"):
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}{own}/").get("Contents", []):
            key = item["Key"].replace(f"/{own}/", f"/{other}/")
            s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": item["Key"]})
    text = json.dumps({**document, "stage_run": other})
    s3.put_object(Bucket=bucket, Key=manifest, Body=text.encode())


def _put_another_contract(play: Play) -> None:
    """The manifest of the Spark stage, as if the stage had run under another contract."""
    s3, bucket, key = (
        play.rig.clients.get("s3"),
        play.rig.outputs["lake_bucket"],
        f"runs/{play.runs[0].job_id}/spark.json",
    )
    document = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.put_object(Bucket=bucket, Key=key, Body=json.dumps({**document, "contract_hash": "another"}).encode())


def _delete_the_staged_rows(play: Play) -> None:
    s3, bucket = play.rig.clients.get("s3"), play.rig.outputs["lake_bucket"]
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"staged/chaos/job_id={play.runs[0].job_id}/")["Contents"]:
        s3.delete_object(Bucket=bucket, Key=item["Key"])


def _keep_the_manifests(play: Play) -> None:
    play.kept["manifests"] = json.dumps(_manifests(play))


def _compare_the_manifests(play: Play) -> None:
    """A stage that was done is not done again: its manifest, which says when it was, is what it was."""
    kept, found = json.loads(play.kept["manifests"]), _manifests(play)
    if not kept:
        raise DeedError("no manifest was kept")
    for key, text in kept.items():
        if found.get(key) != text:
            raise DeedError(f"{key} was written again: it was {text}, and is {found.get(key)}")


def _manifests(play: Play) -> dict[str, str]:
    s3, bucket = play.rig.clients.get("s3"), play.rig.outputs["lake_bucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"runs/{play.runs[0].job_id}/").get("Contents", [])
    keys = [item["Key"] for item in listed if item["Key"].endswith(("/python.json", "/spark.json"))]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys}


DEEDS: Mapping[str, Callable[[Play], None]] = {
    "redrive the recorder": _redrive_the_recorder,
    "lock a table": _lock("analytics.chaos_totals"),
    "lock the turn": _lock('loading."chaos"'),
    "wait for a job run": _wait_for_a_job_run,
    "wait for a nested execution": _wait_for_a_nested_execution,
    "wait for two nested executions of a step": _wait_for_two_of_a_step,
    "the job run still works": _the_job_run_still_works,
    "tell of another state machine": _tell_of(
        lambda arn: arn.replace("-pipeline:", "-run-sql:"), "OfAnotherStateMachine"
    ),
    "tell of no execution": _tell_of(lambda arn: f"{arn}-never", "NoSuchExecution"),
    "tell of it as forgotten": _tell_of_it_as_forgotten,
    "wait for the load": _wait_for_the_load,
    "unlock the table": _unlock_the_table,
    "replace the source": _replace_the_source,
    "put a foreign file": _put_a_foreign_file,
    "put another python run": _put_another_python_run,
    "put another contract": _put_another_contract,
    "delete the staged rows": _delete_the_staged_rows,
    "keep the manifests": _keep_the_manifests,
    "compare the manifests": _compare_the_manifests,
    "exchange python.json": _exchange_manifest("python"),
    "exchange spark.json": _exchange_manifest("spark"),
}
