"""The command `pipeline stop`."""

from __future__ import annotations

import click

from pipeline.cli import CommandContext, common, completion, shown


@click.command("stop")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--reason", help="The reason, for the audit tables and the message to people.")
@common
def command(context: CommandContext, job: str, reason: str | None) -> None:
    """Stop a running job.

    Its Glue job run or statement stops too, and the state machine record-failure records the job as failed.
    `pipeline rerun` continues the job.

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
