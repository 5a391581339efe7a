"""What the report of a job shows, taken from the evidence of its trace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dataset_contract.json_types import JsonObject
from lambda_generate_param.failures import readable
from pipeline import moments
from pipeline.evidence.model import Evidence
from pipeline.progress import JOB_STATES
from pipeline.report import advice, timeline
from pipeline.trace import Trace

_MOST_REASONS = 100


def of_trace(traced: Trace, cost: Mapping[str, object] | None) -> JsonObject:
    """The facts as a document.

    Args:
        cost: as costs.document makes it; None where nobody asked.
    """
    evidence, job = traced.evidence, traced.job
    shown: JsonObject = {
        **{name: value for name, value in traced.document().items() if name != "counts"},
        "hop_counts": traced.document()["counts"],
        "source_uri": job.source_uri,
        "parameters": job.parameters,
        "started_at": moments.written(job.started_at),
        "ended_at": moments.written(job.ended_at) if job.ended_at else None,
        "seconds": _seconds(job.attempt.started_at, job.ended_at or evidence.checked_at),
        "rows_loaded": _is_loaded(evidence),
        "failure": _failure(evidence),
        "flow": _flow(evidence),
        "reasons": _reasons(evidence),
        "rules": _rules(evidence),
        "timeline": timeline.document(evidence),
        "versions": _versions(evidence),
        "cost": cost,
    }
    return {**shown, "verdict": advice.verdict(shown), "next": advice.steps(shown)}


def _is_loaded(evidence: Evidence) -> bool | None:
    """Whether the warehouse holds the job's rows; None where it could not be asked."""
    if evidence.warehouse.tables["job_run"].problem:
        return None
    return any(row["status"] == "SUCCEEDED" for row in evidence.warehouse.of("job_run"))


def _seconds(start: datetime, end: datetime) -> float:
    return round((end - start).total_seconds(), 3)


def _failure(evidence: Evidence) -> JsonObject | None:
    """Where and why the attempt failed that says what the job is; the stage's own words where it left some."""
    attempt = evidence.job.attempt
    if attempt.status in ("SUCCEEDED", "RUNNING", "UNKNOWN"):
        return None
    failed = [state for state in evidence.states if state.status == "failed"]
    state = attempt.failed_state or (failed[-1].name if failed else None)
    said = (
        (evidence.lake.documents[f"{JOB_STATES[state]}-error"].value or {}).get("error")
        if state in JOB_STATES
        else None
    )
    cause = readable(attempt.cause or "")
    if said and attempt.status == "FAILED":
        cause = str(said)
    return {"state": state, "error": attempt.error, "cause": cause or None, "status": attempt.status}


def _flow(evidence: Evidence) -> JsonObject:
    """How many rows came how far; a number that nobody knows is None. tables: one per output."""
    documents = evidence.lake.documents
    # A stage that failed says in its error file how far it came.
    python = documents["python"].value or documents["python-error"].value or {}
    spark = documents["spark"].value or {}
    row = next(iter(evidence.warehouse.of("job_run")), {})
    if python.get("files_in") == 0:  # the numbers, which the row has as well, are 0 until the whole source was read
        python = row = {}
    loads = {load["table_name"]: load for load in evidence.warehouse.of("table_load")}
    written = {name: table.get("rows") for name, table in spark.get("tables", {}).items()}
    return {
        "rows_in": _first(python.get("rows_in"), row.get("rows_in")),
        "rows_staged": _first(python.get("rows_out"), row.get("rows_staged")),
        "rows_rejected": _first(python.get("rows_rejected"), row.get("rows_rejected")),
        "bytes_in": python.get("bytes_in"),
        "files_in": python.get("files_in"),
        "tables": [
            {
                "name": name,
                "rows_curated": _first(written.get(name), loads.get(name, {}).get("rows_copied")),
                **{
                    column: loads.get(name, {}).get(column)
                    for column in ("mode", "rows_inserted", "rows_updated", "rows_kept", "rows_deleted")
                },
            }
            for name in sorted({*written, *loads})
        ],
    }


def _first(*values: object) -> Any:
    return next((value for value in values if value is not None), None)


def _reasons(evidence: Evidence) -> list[JsonObject]:
    """Why rows were refused, the most frequent reason first, each with its first row."""
    details = evidence.lake.documents["python-details"].value or {}
    examples = details.get("rejected_examples", {})
    counted = sorted(details.get("rejected_reasons", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    found = []
    for name, rows in counted[:_MOST_REASONS]:
        column, _, reason = name.partition(": ")
        found.append({"column": column, "reason": reason or name, "rows": rows, "example": examples.get(name)})
    return found


def _rules(evidence: Evidence) -> list[JsonObject]:
    """The verdicts of the last attempt that judged."""
    rows = evidence.warehouse.of("rule_run")
    last = max((row["attempt"] for row in rows), default=0)
    wanted = ("rule", "object_name", "column_names", "metric", "expected", "severity", "measured", "passed")
    return [{name: row[name] for name in wanted} for row in rows if row["attempt"] == last]


def _versions(evidence: Evidence) -> list[JsonObject]:
    wanted = ("code_version", "contract_version", "contract_hash", "engine")
    read = ((stage, evidence.lake.documents[stage].value or {}) for stage in ("python", "spark"))
    return [{"stage": stage, **{name: found.get(name) for name in wanted}} for stage, found in read if found]
