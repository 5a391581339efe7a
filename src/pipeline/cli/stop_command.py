"""pipeline stop"""

from __future__ import annotations

import click

from pipeline.cli import Context, common, completion, shown


@click.command("stop")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--reason", help="Why; it is recorded in the audit tables, and people are told of it.")
@common
def command(context: Context, job: str, reason: str | None) -> None:
    """Stop a running job.

    What it has started, a Glue job run or a statement, is stopped as well, and the job is recorded as failed, by the
    state machine record-failure. `pipeline rerun` goes on with it.

    \b
    Examples:
      pipeline stop last --reason "the wrong month"

    \b
    JSON: job_id, execution_arn.
    """
    from pipeline import jobs, rerunning

    stack = context.stack()
    found = jobs.find(stack, job)
    arn = rerunning.stop(stack, found, reason)
    if context.output == "json":
        shown.print_json({"job_id": found.job_id, "execution_arn": arn})
    else:
        click.echo(f"job {found.job_id} is stopped")
