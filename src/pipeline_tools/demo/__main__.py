"""`nox -s demo`: the whole pipeline on 336,776 real flights, from nothing to the trace of the job ID.

Writes build/demo/summary.json and build/demo/report.html. Exit code 0 only when the execution succeeded and every
hop has the job ID.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from dataset_contract.json_types import JsonObject
from pipeline import executions, jobs, report, trace
from pipeline.cli import shown
from pipeline.clients import Clients
from pipeline.evidence.hop import fault
from pipeline.progress import JOB_STATES
from pipeline.redshift import query
from pipeline.stacks import Stack
from pipeline_tools.claims import ClaimedError, claimed, write_whole
from pipeline_tools.console import StateLines, say, say_stage
from pipeline_tools.demo import bare, flights
from pipeline_tools.deployment import schema
from pipeline_tools.deployment.local import deploy
from pipeline_tools.endpoint import EndpointError, LocalEndpoint, add_engine_option
from pipeline_tools.environments import ROOT
from pipeline_tools.terraform import TerraformError

DIRECTORY = ROOT / "build" / "demo"
_SECONDS = 900.0


def main(arguments: Sequence[str]) -> int:
    """Exit codes: 0 succeeded and traced, 1 failed, 2 usage, 4 timed out."""
    parser = argparse.ArgumentParser(prog="nox -s demo --", description=__doc__)
    add_engine_option(parser)
    options = parser.parse_args(arguments)
    try:
        with claimed(DIRECTORY, "nox -s demo") as directory:
            return _demonstrate(directory, options.engine)
    except executions.ExecutionTimeoutError as error:
        print(f"error: {error}", file=sys.stderr)
        return 4
    except (ClaimedError, EndpointError, TerraformError, schema.SchemaError, bare.BareRunError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _demonstrate(directory: Path, engine: str | None) -> int:
    began = time.monotonic()
    say_stage(1, 5, "local endpoint")
    with LocalEndpoint(directory / "endpoint", engine=engine) as endpoint:
        say_stage(2, 5, "terraform apply and SQL schema")
        outputs = deploy(endpoint, directory / "terraform")
        summary, complete = _run(Clients(endpoint.endpoint_url, endpoint.region), outputs, directory)
    summary["total_seconds"] = round(time.monotonic() - began, 1)
    write_whole(directory / "summary.json", summary)
    say(f"summary: {(directory / 'summary.json').relative_to(ROOT)} ({summary['total_seconds']} s in all)")
    return 0 if complete else 1


def _run(clients: Clients, outputs: JsonObject, directory: Path) -> tuple[JsonObject, bool]:
    raw = directory / "raw"
    flights.write(raw)
    flights.upload(clients.get("s3"), raw, outputs["raw_bucket"])
    say_stage(3, 5, f"execution on s3://{outputs['raw_bucket']}/{flights.DATASET}/")
    outcome = _execute(clients, outputs)
    summary: JsonObject = {
        "job_id": (outcome.output or {}).get("job_id") if outcome.succeeded else None,
        "status": outcome.status,
        "execution_arn": outcome.arn,
        "stages": [{"name": state.name, "seconds": round(state.seconds, 3)} for state in outcome.states],
        "execution_seconds": round(outcome.seconds, 3),
    }
    if not outcome.succeeded:
        say(f"execution {outcome.status}: {outcome.error}: {outcome.cause}")
        return {**summary, "error": outcome.error, "cause": outcome.cause}, False
    summary |= outcome.output["counts"]
    say_stage(4, 5, "the two job scripts alone, for comparison")
    seconds = bare.measure(raw, directory / "bare", dataset=flights.DATASET, parameters={"late_minutes": 15})
    beyond = outcome.seconds - sum(seconds.values())
    summary["bare_seconds"] = {name: round(value, 3) for name, value in seconds.items()}
    summary["seconds_beyond_bare"] = round(beyond, 3)
    say(f"  execution {outcome.seconds:.1f} s, scripts alone {sum(seconds.values()):.1f} s: {beyond:+.1f} s")
    say_stage(5, 5, "the trace")
    stack = Stack(clients, outputs, directory / "outputs.json")
    traced = trace.of_job(stack, jobs.find(stack, outcome.arn))
    summary["trace"] = traced.document()
    page = directory / "report.html"
    page.write_text(report.html_of_job(report.document_of_job(stack, traced)), encoding="utf-8")
    click.echo(f"\n{shown.trace(traced)}\n\n{_worst_routes(clients, outputs, outcome)}\n")
    say(f"report: {page.relative_to(ROOT)}")
    for hop in traced.missing:
        print(f"error: {fault(hop)}", file=sys.stderr)
    return summary, traced.is_complete


def _execute(clients: Clients, outputs: JsonObject) -> executions.ExecutionOutcome:
    client = clients.get("stepfunctions")
    document = {
        "dataset": flights.DATASET,
        "source_uri": f"s3://{outputs['raw_bucket']}/{flights.DATASET}/",
        "parameters": {"late_minutes": 15},
    }
    arn, lines = executions.start(client, outputs["state_machine_arn"], document), StateLines(JOB_STATES)
    return executions.wait(
        client,
        arn,
        timeout_seconds=_SECONDS,
        on_entered=lines.entered,
        on_left=lambda state: lines.left(state.name, state.seconds),
    )


def _worst_routes(clients: Clients, outputs: JsonObject, outcome: executions.ExecutionOutcome) -> str:
    """What the data was for: a query that somebody would ask of the loaded tables."""
    rows = query(
        clients.get("redshift-data"),
        outputs,
        "SELECT origin, dest, SUM(flights) AS flights, SUM(late) AS late FROM analytics.route_delays "
        "WHERE job_id = :job_id GROUP BY origin, dest HAVING SUM(flights) >= 1000 "
        "ORDER BY CAST(SUM(late) AS DOUBLE PRECISION) / SUM(flights) DESC, origin, dest LIMIT 5",
        job_id=outcome.output["job_id"],
    )
    lines = [
        f"  {row['origin']}–{row['dest']}  {int(row['late']):>6,} of {int(row['flights']):>6,} late" for row in rows
    ]
    return "the busy routes that were late most often (analytics.route_delays):\n" + "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
