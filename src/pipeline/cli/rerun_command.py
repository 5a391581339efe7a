"""The command `pipeline rerun`."""

from __future__ import annotations

import click

from pipeline.cli import CommandContext, common, completion, shown


@click.command("rerun")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--watch", is_flag=True, help="Follow the job to its end, as `pipeline watch` does.")
@common
def command(context: CommandContext, job: str, watch: bool) -> int:
    """Continue a failed or stopped job.

    The job keeps its ID. If AWS allows it (within 14 days), the execution is redriven; otherwise another execution
    continues the job. Either way, finished stages do not run again. A job that has succeeded is refused, with advice
    how to run its source as a new job.

    \b
    Examples:
      pipeline rerun last
      pipeline rerun 20260131T120000 --watch

    \b
    JSON: job_id, how (redrive or continue), why, execution_arn.
    With --watch it prints the document of `pipeline watch`.
    """
    from pipeline import jobs, rerunning

    stack = context.stack()
    found = jobs.find(stack, job)
    done = rerunning.rerun(stack, found)
    if watch:
        from pipeline.cli.watch_command import watched

        click.echo(f"job {found.job_id}: {done.how}, since {done.why}", err=True)
        return watched(context, stack, jobs.find(stack, done.execution_arn), timeout_seconds=None)
    if context.output == "json":
        names = {"job_id": found.job_id, "how": done.how, "why": done.why}
        shown.print_json({**names, "execution_arn": done.execution_arn})
    else:
        click.echo(f"job {found.job_id} runs again: {done.how}, since {done.why}")
    return 0
