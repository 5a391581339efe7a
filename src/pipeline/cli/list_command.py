"""The command `pipeline list`."""

from __future__ import annotations

import click

from pipeline.cli import CommandContext, common, completion, shown

_LIMIT = 20
# As jobs.STATUSES, which takes a while to import; a test holds them together.
STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "UNKNOWN")
_HEADINGS = ("JOB ID", "DATASET", "STATUS", "STARTED (UTC)", "TIME", "ROWS IN", "REJECTED", "LOADED")


@click.command("list")
@click.option("--dataset", help="Only jobs of this dataset.", shell_complete=completion.datasets)
@click.option("--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only jobs with this status.")
@click.option(
    "--since", metavar="TIME", help="Only jobs that started since: 30m, 12h, 7d, 2026-01-31, 2026-01-31T12:00."
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=_LIMIT, show_default=True, help="How many jobs at most; 0 means all."
)
@common
def command(context: CommandContext, dataset: str | None, status: str | None, since: str | None, limit: int) -> None:
    """List jobs, newest first.

    It lists jobs of any age: Step Functions knows the last 90 days, and the audit tables know the time before. A job
    with several executions is one job. The status is UNKNOWN if nobody has recorded the end of the job.

    \b
    Examples:
      pipeline list
      pipeline list --dataset flights --status FAILED --since 7d
      pipeline list --limit 0 --output json

    \b
    JSON: a list of {job_id, dataset, status, recorded, source_uri, parameters, repeat, replays,
    started_at, ended_at, seconds (of the attempt that decides), counts, execution_arn,
    attempts: [{execution_arn, redrive_count, status, started_at, ended_at, failed_state, error,
    cause, forgotten}]}.
    """
    from pipeline import deployed_contracts, jobs, moments

    stack = context.stack()
    if dataset is not None:
        deployed_contracts.check_known(stack, dataset)
    found = jobs.listed(
        stack,
        dataset=dataset,
        status=status,
        since=moments.since(since) if since else None,
        limit=limit or None,
        on_problem=lambda problem: click.echo(f"warning: {problem}", err=True),
    )
    if context.output == "json":
        shown.print_json([shown.job_document(job) for job in found])
        return
    rows = [
        (
            *(job.job_id, job.dataset, job.status, moments.shown(job.started_at)),
            moments.duration(shown.seconds(job)),
            *(job.counts.get(name) for name in ("rows_in", "rows_rejected", "rows_loaded")),
        )
        for job in found
    ]
    if not rows:
        click.echo("no jobs", err=True)
        return
    shown.print_table(_HEADINGS, rows, right=("TIME", "ROWS IN", "REJECTED", "LOADED"))
