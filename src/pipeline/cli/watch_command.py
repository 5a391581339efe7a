"""The command `pipeline watch`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from dataset_contract.json_types import JsonObject
from pipeline import hints
from pipeline.cli import INTERRUPTED, Amount, CommandContext, common, completion, shown
from pipeline.cli.logs_command import readable
from pipeline.terminal import plain

if TYPE_CHECKING:
    from rich.console import RenderableType

    from pipeline.jobs import Job
    from pipeline.progress import Step
    from pipeline.stacks import Stack
    from pipeline.watching import Sight

_LOG_LINES = 10
_MARKS = {"running": "…", "done": "✓", "failed": "✗"}


@click.command("watch")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=Amount(),
    help="Stop watching after this time, with exit code 4.",
)
@common
def command(context: CommandContext, job: str, timeout: float | None) -> int:
    """Follow a job until it has ended.

    It shows each state, how long it takes, the rows that it has counted and what it waits for. If the job fails, it
    shows the reason and the last lines of the log. The view is live on a terminal; elsewhere it writes one line when
    a state starts and one when it ends. Ctrl-C stops watching, but not the job (exit code 130).

    \b
    Examples:
      pipeline watch last
      pipeline watch 20260131T120000 --timeout 600

    \b
    JSON: job_id, status, execution_arn, failed_state, reason (of a job that failed),
    steps: [{state, status, seconds, tries, rows, job_run_id}].
    """
    from pipeline import jobs

    stack = context.stack()
    return watched(context, stack, jobs.find(stack, job), timeout_seconds=timeout)


def watched(context: CommandContext, stack: Stack, job: Job, *, timeout_seconds: float | None) -> int:
    """Watch a job and print how it ended; the exit code."""
    from pipeline import watching

    try:
        with _view(job) as on_sight:
            sight = watching.follow(stack, job, on_sight=on_sight, timeout_seconds=timeout_seconds)
    except KeyboardInterrupt:
        click.echo(f"stopped watching; the job goes on: {hints.command('watch', job.job_id)}", err=True)
        return INTERRUPTED
    state, reason = ("", "") if sight.status == "SUCCEEDED" else watching.reason(stack, sight)
    if context.output == "json":
        shown.print_json(_document(sight, state, reason))
    else:
        click.echo(f"job {job.job_id} {shown.status(sight.status)}")
    if sight.status == "SUCCEEDED":
        return 0
    click.echo(f"{state or 'before its first state'}: {plain(reason)}", err=True)
    for line in watching.last_lines(stack, job, state, _LOG_LINES):
        click.echo(f"  {line.at:%H:%M:%S} {readable(line)}", err=True)
    click.echo(f"more: {hints.command('logs', job.job_id)}; {_next(sight, state, reason)}", err=True)
    return 1


def _next(sight: Sight, state: str, reason: str) -> str:
    """What a person does about a job that has not succeeded."""
    from pipeline import rerunning

    again = hints.command("rerun", sight.job.job_id)
    if sight.status == "ABORTED":
        return f"to go on with it: {again}"
    if rerunning.is_of_input(state, reason.partition(":")[0]):  # a redrive has the same one
        return rerunning.ANOTHER_INPUT
    return f"once it is mended: {again}"


def _document(sight: Sight, state: str, reason: str) -> JsonObject:
    now = datetime.now(UTC)
    steps = [
        {
            "state": step.state,
            "status": step.status,
            "seconds": round(step.seconds(now), 3),
            "tries": step.tries,
            "rows": step.rows,
            "job_run_id": step.job_run[1] if step.job_run else None,
        }
        for step in sight.steps
    ]
    return {
        "job_id": sight.job.job_id,
        "status": sight.status,
        "execution_arn": sight.job.execution_arn,
        "failed_state": state or None,
        "reason": reason or None,
        "steps": steps,
    }


@contextlib.contextmanager
def _view(job: Job) -> Iterator[Callable[[Sight], None]]:
    """What shows each look: live where stderr is a terminal, else lines."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), refresh_per_second=8) as live:
        yield lambda sight: live.update(_live(sight, job))


class _Lines:
    """Writes a line as a state begins, as a try of it fails, and as it ends."""

    def __init__(self) -> None:
        self._told: dict[tuple[int, str], None] = {}

    def __call__(self, sight: Sight) -> None:
        for number, step in enumerate(sight.steps):
            for what in _events_of(step):
                if (number, what) not in self._told:
                    self._told[number, what] = None
                    click.echo(f"{step.state}: {plain(what)}", err=True)


def _events_of(step: Step) -> Iterator[str]:
    """What there is to say of a step so far."""
    if step.tries and step.status == "running":
        yield step.waits_for
    if step.left_at:
        yield f"{step.status} in {_detail(step, step.left_at)}"


def _detail(step: Step, now: datetime) -> str:
    from pipeline import moments

    parts = [moments.duration(step.seconds(now))]
    parts += [f"{name.removeprefix('rows_')} {count:,}" for name, count in step.rows.items()]
    if step.tries > 1:
        parts.append(f"{step.tries} tries")
    return ", ".join(parts)


def _live(sight: Sight, job: Job) -> RenderableType:
    """The whole view at a moment: a bar over the states, and a row for each that was entered."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    from pipeline import progress

    now = datetime.now(UTC)
    table = Table(box=None, pad_edge=False)
    for heading in ("", "state", "time, rows", "waits for"):
        table.add_column(heading)
    for step in sight.steps:
        color = {"running": "cyan", "done": "green", "failed": "red"}[step.status]
        # A Text, since what others have written may look like markup.
        mark, waits_for = Text(_MARKS[step.status], style=color), Text(plain(step.waits_for or step.error))
        table.add_row(mark, step.state, _detail(step, now), waits_for)
    done = sum(step.status == progress.DONE for step in sight.steps if step.state in progress.STATES)
    bar = Table.grid()  # which ends its line; a bar alone does not
    bar.add_row(ProgressBar(total=len(progress.STATES), completed=done, width=60))
    return Group(Text(f"job {job.job_id} {sight.status}"), bar, table)
