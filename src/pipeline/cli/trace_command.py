"""`pipeline trace`: follow a job through every service."""

from __future__ import annotations

import click

from pipeline.cli import CommandContext, common, completion, shown
from pipeline.terminal import plain


@click.command("trace")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--links", is_flag=True, help="Also print the addresses of AWS's console.")
@common
def command(context: CommandContext, job: str, links: bool) -> int:
    """Follow a job through every service, and check each hop.

    It asks each service itself whether it has the job ID. A hop is found, missing, not expected (the job ended before
    it, or has not reached it yet), or forgotten by its service: executions and Glue runs after 90 days, statements
    after 24 hours, log lines after their retention. The exit code is 1 if a hop is missing. ID is a job ID, a prefix
    of one, an execution's ARN or name, or `last`.

    \b
    Examples:
      pipeline trace last
      pipeline trace 20261101T060000 --links
      pipeline trace last --output json

    \b
    JSON: {job_id, dataset, status, replays, replayed_by: [{job_id, status}], complete, checked_at,
    counts: {found, missing, not_expected, forgotten},
    attempts: [{execution_arn, redrive_count, status, started_at, ended_at, failed_state}],
    hops: [{name, service, place, state, detail, at, link}]}.
    """
    from pipeline import jobs, trace
    from pipeline.evidence.hop import fault

    stack = context.stack()
    found = trace.of_job(stack, jobs.find(stack, job))
    if context.output == "json":
        shown.print_json(found.document())
    else:
        click.echo(shown.trace(found, with_links=links))
    for hop in found.missing:
        click.echo(f"error: {plain(fault(hop))}", err=True)
    return 0 if found.is_complete else 1
