"""Evidence as the services would give it, of a job that rejected rows, and of one that failed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lambda_generate_param import job_id
from pipeline.clients import Clients
from pipeline.evidence.histories import DONE, FAILED, StateRun, Try
from pipeline.evidence.model import (
    Answer,
    Evidence,
    GlueRuns,
    Lake,
    Lines,
    Nested,
    Objects,
    Ran,
    Told,
    WarehouseRows,
)
from pipeline.executions import Execution
from pipeline.jobs import Attempt, Job
from pipeline.stacks import Stack

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:tdp-pipeline"
ARN = f"{MACHINE.replace(':stateMachine:', ':execution:')}:first"
JOB = job_id.make(ARN, int(BEGAN.timestamp() * 1000))
RUN = "abc123-0-12345678"
# What a source file, a contract or an error text may hold.
HOSTILE = "<script>alert('x')</script><img src=http://example.com/a.png onerror=alert(1)>\"'&amp;"
STACK = Stack(Clients(), {"state_machine_arn": MACHINE}, Path("outputs.json"))


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def _state(name: str, start: float, end: float, *, output: Any = None, **submitted: Any) -> StateRun:
    tried = Try(at(start), at(end), submitted=submitted, output=output)
    return StateRun(name, at(start), 0, DONE, at(end), [tried])


def _nested(step: str, start: float, end: float) -> Nested:
    arn = f"arn:aws:states:eu-west-1:123456789012:execution:tdp-run-sql:{JOB}-{step}-abc123-0-0"
    given = {"batch": {"statement_name": f"{JOB} abc123-0 {step}"}}
    run = Ran(Execution(arn, arn.rpartition(":")[2], "SUCCEEDED", at(start), at(end), input=given), ())
    statement = {"Status": "FINISHED", "SubStatements": [{"QueryString": f"/* job_id={JOB} step={step} */ SELECT 1"}]}
    return Nested(step, arn, Answer(run), "id", Answer(statement))


def objects(kind: str, **sizes: int) -> Answer[Objects]:
    """Parquet files of a kind, by name without the ending; one of 1,234 bytes where none is named."""
    named = {f"{name}.parquet": size for name, size in (sizes or {"part-00000": 1234}).items()}
    return Answer(Objects(f"s3://lake/{kind}/job_id={JOB}/{RUN}/", named, at(30)))


def without(answer: Answer[Objects], part: str) -> Answer[Objects]:
    """The same without the objects that have a part in their names."""
    assert answer.value
    kept = {name: size for name, size in answer.value.sizes.items() if part not in name}
    assert len(kept) < answer.value.count
    return Answer(replace(answer.value, sizes=kept)) if kept else Answer()


def _rejected() -> Answer[Objects]:
    names = ("part-00000.parquet", "_refused-00000.jsonl.gz", "_refused.json")
    return Answer(Objects(f"s3://lake/rejected/job_id={JOB}/{RUN}/", dict.fromkeys(names, 12), at(30)))


def _runs() -> Answer[Objects]:
    names = (
        *("python.json", "spark.json", "load.json", f"python/{RUN}/details.json", f"spark/{RUN}/details.json"),
        *(f"python/{RUN}/source_files/copy.manifest", f"python/{RUN}/source_files/part-00000.parquet"),
        *(f"spark/{RUN}/copy/orders.manifest", "spark/abc123-1-87654321/copy/orders.manifest"),
    )
    return Answer(Objects(f"s3://lake/runs/{JOB}/", dict.fromkeys(names, 12), at(30)))


def _run(name: str, start: float, end: float, state: str = "SUCCEEDED") -> dict[str, Any]:
    return {
        "Id": f"jr_{name}",
        "JobRunState": state,
        "StartedOn": at(start),
        "CompletedOn": at(end),
        "Arguments": {"--job_id": JOB},
    }


def succeeded() -> Evidence:
    """1,000 rows came in, 100 were rejected for reasons with hostile texts; a table was merged into."""
    register, load = _nested("register", 2, 4), _nested("load", 60, 64)
    states = [
        _state("GenerateJobId", 0, 1, output={"Payload": {"job_id": JOB}}),
        _state("RegisterJob", 1, 5, ExecutionArn=register.arn),
        _state("CleanWithPython", 5, 30, JobRunId="jr_python"),
        _state("TransformWithSpark", 30, 59, JobRunId="jr_spark"),
        _state("LoadAndRecord", 59, 65, ExecutionArn=load.arn),
        _state("WriteLoadManifest", 65, 66),
    ]
    states[2].tries.insert(0, Try(at(5), at(7), error="Glue.ConcurrentRunsExceededException", cause="busy"))
    execution = Execution(ARN, "first", "SUCCEEDED", BEGAN, at(66), output={"job_id": JOB})
    attempt = Attempt(ARN, 0, "SUCCEEDED", BEGAN, at(66))
    counts = {"rows_in": 1000, "rows_rejected": 100, "rows_loaded": 890}
    job = Job(JOB, (attempt,), "orders", "s3://raw/orders/", {"note": HOSTILE}, False, None, counts, "SUCCEEDED")
    python = {"job_id": JOB, "rows_in": 1000, "rows_out": 900, "rows_rejected": 100, "rules": [{"number": 0}]}
    python |= {"stage_run": RUN, "files_out": 1, "bytes_out": 1234, "rejected_files": 1}
    python |= {"references": {"shops": {"bytes": 99}}}
    python |= {"bytes_in": 51200, "files_in": 2, "code_version": "abc", "contract_version": "1.0.0", "engine": "duckdb"}
    tables = {"orders": {"rows": 900, "files": 1, "bytes": 1234}}
    spark = {"job_id": JOB, "stage_run": RUN, "rows_in": 900, "rows_out": 900, "tables": tables, "rules": []}
    example = {"source_file": f"s3://raw/orders/{HOSTILE}.csv", "line_number": 7, "raw_row": HOSTILE * 3}
    details = {
        "rejected_reasons": {f"note: not one of {HOSTILE}": 60, "id: required but empty": 40},
        "rejected_examples": {f"note: not one of {HOSTILE}": example},
    }
    documents = {
        "python": Answer(python),
        "spark": Answer(spark),
        "python-details": Answer(details),
        "load": Answer({"job_id": JOB, "rows_in": 900, "rows_out": 890}),
        **{name: Answer() for name in ("python-error", "spark-error")},
    }
    return Evidence(
        job=job,
        checked_at=at(120),
        executions={ARN: Answer(Ran(execution, states))},
        nested=[register, load],
        lambda_log=Lines("/aws/lambda/f", Answer([f'{{"job_id": "{JOB}", "message": "job begins"}}']), "stream", 365),
        python=GlueRuns("job-python", Answer([_run("python", 8, 29)])),
        python_log=Lines("/out", Answer([f'{{"job_id": "{JOB}", "message": "started"}}']), "jr_python"),
        spark=GlueRuns("job-spark", Answer([_run("spark", 31, 58)])),
        spark_log=Lines("/spark", Answer([f'{{"application": "job-spark {JOB}"}}']), f"{JOB}-driver"),
        lake=Lake(
            objects("staged"), objects("references", **{"shops/part-00000": 99}), _rejected(),
            {"orders": objects("curated")}, _runs(), documents,
        ),
        warehouse=_warehouse(),
        told=[],
    )  # fmt: skip


def replayed(replays: int, rows: int, problem: str | None = None) -> dict[str, Any]:
    """The row of audit.replay_reconciliation, of so many replays that brought so many rows."""
    counts = {"replays": replays, "rows_rejected": 100, "rows_replayed": rows, "rows_still_rejected": 100 - rows}
    return {**counts, "problem": problem}


def _warehouse() -> WarehouseRows:
    load = {"table_name": "orders", "mode": "merge", "rows_copied": 900, "rows_inserted": 700, "rows_updated": 190}
    load |= {"rows_kept": 10, "rows_deleted": 190}
    rule = {"attempt": 1, "number": 0, "rule": HOSTILE, "object_name": "orders", "column_names": None}
    rule |= {"metric": "rowCount", "expected": "mustBeGreaterThan 10", "severity": "error", "measured": 900.0}
    tables: dict[str, list[dict[str, Any]]] = {
        "job_run": [{"status": "SUCCEEDED", "attempt": 1, "rows_in": 1000, "rows_rejected": 100, "failed_state": None}],
        "job_attempt": [{"attempt": 1, "status": "SUCCEEDED", "execution_arn": ARN, "redrive_count": 0}],
        "stage_run": [{"stage": stage, "rows_out": 900} for stage in ("python", "spark", "load")],
        "rule_run": [rule | {"passed": True}, rule | {"number": 1, "severity": "warning", "passed": False}],
        "table_load": [load],
        "source_file": [{"uri": "s3://raw/orders/a.csv"}],
        "reconciliation": [{"table_name": "orders", "problem": None}],
        "replay_reconciliation": [replayed(0, 0)],
    }
    return WarehouseRows(
        {name: Answer(rows) for name, rows in tables.items()}, {"orders": Answer(890)}, Answer([]), Answer([])
    )


def failed() -> Evidence:
    """The Python stage refused all rows; people were told."""
    whole = succeeded()
    states = whole.states[:3]
    cleaning = StateRun("CleanWithPython", at(5), 0, FAILED, at(30), error="States.TaskFailed", cause="exit code 1")
    cleaning.tries.append(Try(at(5), at(30), submitted={"JobRunId": "jr_python"}, error="States.TaskFailed"))
    execution = Execution(ARN, "first", "FAILED", BEGAN, at(30), error="States.TaskFailed")
    attempt = Attempt(ARN, 0, "FAILED", BEGAN, at(30), "States.TaskFailed", "exit code 1", "CleanWithPython")
    published = Try(at(34), at(35), {"Subject": f"FAILED {JOB}", "Message": {"job_id": JOB}}, output={"MessageId": "m"})
    recorder = Execution("arn:recorder", "failed-1", "SUCCEEDED", at(31), at(36))
    recorded = Ran(recorder, [StateRun("Notify", at(34), 0, DONE, at(35), [published])])
    nothing: Answer[Any] = Answer()
    error = {
        "job_id": JOB,
        "error": f"all rows were refused: {HOSTILE}",
        "rows_in": 5,
        "rows_out": 0,
        "rows_rejected": 5,
    }
    documents = {**dict.fromkeys(whole.lake.documents, nothing), "python-error": Answer(error)}
    tables = {**dict.fromkeys(whole.warehouse.tables, Answer[Any]([]))}
    tables["job_run"] = Answer([{"status": "FAILED", "attempt": 1, "failed_state": "CleanWithPython"}])
    tables["job_attempt"] = Answer([{"attempt": 1, "status": "FAILED", "execution_arn": ARN, "redrive_count": 0}])
    return replace(
        whole,
        job=Job(JOB, (attempt,), "orders", "s3://raw/orders/", {}, False, recorded="FAILED"),
        executions={ARN: Answer(Ran(execution, [*states[:2], cleaning]))},
        nested=whole.nested[:1],
        python=GlueRuns("job-python", Answer([_run("python", 8, 29, "FAILED")])),
        spark=GlueRuns("job-spark", Answer([])),
        spark_log=Lines("/spark", Answer([])),
        lake=Lake(nothing, nothing, _rejected(), {}, nothing, documents),
        warehouse=WarehouseRows(tables, {}, Answer([]), Answer([])),
        told=[Told(attempt, "arn:recorder", Answer(recorded))],
    )


def cost() -> dict[str, Any]:
    """As costs.document makes it."""
    line = {"what": "Glue job-spark", "quantity": 120.0, "unit": "DPU-seconds", "price": 1e-4, "amount": 0.0146}
    return {
        "job_id": JOB,
        "lines": [line | {"measured": "GetJobRun"}],
        "total": 0.0146,
        "rows": 1000,
        "per_million_rows": 14.6,
        "currency": "USD",
        "local": False,
        "prices": {"region": "us-east-1", "as_of": "2026-10-07"},
        "not_measured": ["requests"],
    }
