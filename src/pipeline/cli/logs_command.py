"""The command `pipeline logs`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from pipeline.cli import INTERRUPTED, CommandContext, common, completion, shown
from pipeline.terminal import plain

if TYPE_CHECKING:
    from pipeline.job_logs import LogLine

# As job_logs.STAGES; a test holds them together.
STAGES = ("lambda", "python", "spark", "states")
_COLORS = {"lambda": "magenta", "python": "blue", "spark": "yellow", "states": "cyan"}
_SECONDS = 2.0
# Fields that the line shows otherwise, or that are the same in each.
_TOLD_ELSEWHERE = ("level", "message", "time", "job_id", "stage")


@click.command("logs")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--stage", type=click.Choice(STAGES), multiple=True, help="Only this stage; may be repeated.")
@click.option("--follow", is_flag=True, help="Keep printing until the job has ended, or until Ctrl-C.")
@common
def command(context: CommandContext, job: str, stage: tuple[str, ...], follow: bool) -> int:
    """Print the log lines of a job.

    They come from the Lambda function, both Glue jobs and the state machine, in the order of time.

    \b
    Examples:
      pipeline logs last
      pipeline logs last --stage spark --follow

    \b
    JSON: a list of {at, stage, group, stream, text}; with --follow one such document per line.
    """
    from pipeline import job_logs, jobs

    stack = context.stack()
    found = jobs.find(stack, job)
    if not follow:
        lines = job_logs.lines(stack, found, stage)
        if context.output == "json":
            shown.print_json([_document(line) for line in lines])
        else:
            _print(lines, context)
        if not lines:
            click.echo(f"no log lines of job {found.job_id}; they are kept as long as the log groups say", err=True)
        return 0
    told: set[LogLine] = set()
    try:
        while True:
            # Whether it has ended is asked first, so that the last lines are looked for after its end.
            ended = not jobs.find(stack, found.execution_arn).is_running
            new = [line for line in job_logs.lines(stack, found, stage) if line not in told]
            told.update(new)
            _print(new, context)
            if ended:
                return 0
            time.sleep(_SECONDS)
    except KeyboardInterrupt:
        return INTERRUPTED


def _print(lines: list[LogLine], context: CommandContext) -> None:
    for line in lines:
        if context.output == "json":
            click.echo(shown.one_line(_document(line)))
        else:
            stage = click.style(line.stage.ljust(6), fg=_COLORS[line.stage])
            click.echo(f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03d} {stage} {readable(line)}")


def readable(line: LogLine) -> str:
    """A line for a person: of JSON its message and other fields, of an event of a state its type and name."""
    return plain(_told(line))


def _told(line: LogLine) -> str:
    try:
        document = json.loads(line.text)
    except ValueError:
        return line.text
    if not isinstance(document, dict):
        return line.text
    if line.stage == "states":
        return " ".join(filter(None, (document.get("type"), (document.get("details") or {}).get("name"))))
    if "message" not in document:
        return line.text
    rest = [f"{name}={_value(value)}" for name, value in document.items() if name not in _TOLD_ELSEWHERE]
    return " ".join((str(document.get("level") or ""), str(document["message"]), *rest)).strip()


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _document(line: LogLine) -> dict[str, object]:
    return {"at": line.at, "stage": line.stage, "group": line.group, "stream": line.stream, "text": line.text}
