"""The command `pipeline rejected`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline import hints
from pipeline.cli import CommandContext, common, completion, shown

if TYPE_CHECKING:
    from pipeline.jobs import Job
    from pipeline.stacks import Stack

_LIMIT = 20
_TEXT_CHARACTERS = 60
_EVERY = 100_000


@click.command("rejected")
@click.argument("job", metavar="ID", shell_complete=completion.job_ids)
@click.option("--reasons", is_flag=True, help="Count the rows by column and reason.")
@click.option("--limit", type=click.IntRange(min=0), show_default=str(_LIMIT), help="Rows to show; 0 means all.")
@click.option(
    "--export",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all rows as they were in the source, and the reasons to _FILE.reasons.csv.",
)
@common
def command(context: CommandContext, job: str, reasons: bool, limit: int | None, target: Path | None) -> None:
    """Show the rejected rows of a job, or export them for mending.

    An export has the header, delimiter, quotes and encoding of the source; .gz and .bz2 compress it. Rows of a Parquet
    source become JSON lines. Rows of files with another header go to FILE-2 and so on. Mend the file in an editor, and
    load it with `pipeline start DATASET --replays ID --upload FILE`; only jobs that have succeeded can be replayed.
    The file of reasons is never loaded, because its name begins with _.

    \b
    Examples:
      pipeline rejected last
      pipeline rejected last --reasons
      pipeline rejected last --export refused.csv

    \b
    JSON: a list of {source_file, line, column, reason, text}; with --reasons of {column, reason, rows};
    with --export {files, reasons, rows, left}.
    """
    from pipeline import jobs, rejected
    from pipeline.errors import UsageError

    if bool(target) + reasons + (limit is not None) > 1:
        raise UsageError("accepted: one of --reasons, --limit and --export")
    stack = context.stack()
    found = jobs.find(stack, job)
    if target is not None:
        _export(context, stack, found, target)
        return
    if reasons:
        counted = rejected.reasons(stack, found).most_common()
        if context.output == "json":
            shown.print_json([{"column": kind[0], "reason": kind[1], "rows": rows} for kind, rows in counted])
        elif not counted:
            click.echo("no rejected rows", err=True)
        else:
            shown.print_table(("ROWS", "COLUMN", "REASON"), [(rows, *kind) for kind, rows in counted], right=("ROWS",))
        return
    rows = islice(rejected.rows(stack, found), (_LIMIT if limit is None else limit) or None)
    if context.output == "json":
        names = ("source_file", "line", "column", "reason", "text")
        shown.print_json([{name: getattr(row, name) for name in names} for row in rows])
        return
    table = [(row.source_file.rpartition("/")[2], row.line, row.column, row.reason, _cut(row.text)) for row in rows]
    if not table:
        click.echo("no rejected rows", err=True)
        return
    shown.print_table(("FILE", "LINE", "COLUMN", "REASON", "TEXT"), table, right=("LINE",))
    total = found.counts.get("rows_rejected", len(table))
    if total > len(table):
        click.echo(f"{len(table):,} of {total:,} rows; --limit 0 shows all, --export FILE writes them", err=True)


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_CHARACTERS else text[:_TEXT_CHARACTERS] + "…"


def _export(context: CommandContext, stack: Stack, job: Job, target: Path) -> None:
    from pipeline import rejected

    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if done % _EVERY == 0 and sys.stderr.isatty():
            click.echo(f"{done:,} rows", err=True)

    made = rejected.export(stack, job, target, tell)
    if context.output == "json":
        files = [str(path) for path in made.files]
        shown.print_json({"files": files, "reasons": str(made.reasons), "rows": made.rows, "left": made.left})
        return
    for path in made.files:
        click.echo(path)
    click.echo(f"{made.rows:,} rows exported, the reasons are in {made.reasons}", err=True)
    if made.left:
        click.echo(
            f"{made.left:,} rows are not among them, since their text was not kept whole: take them from the "
            "source files that the reasons name",
            err=True,
        )
    click.echo(_next(job, made.files), err=True)


def _next(job: Job, files: Sequence[Path]) -> str:
    """How the mended rows are loaded. A replay adds to rows that are loaded, so it has to wait for these."""
    upload = ("--upload", *map(str, files))
    replay = hints.command("start", job.dataset or "DATASET", "--replays", job.job_id, *upload)
    if job.recorded == "SUCCEEDED":
        return f"once mended: {replay}"
    if job.is_running:
        return f"once mended, and the job has succeeded: {replay}"
    return (
        f"job {job.job_id} is {job.status}, so none of its rows are loaded, and it cannot be replayed: mend its source "
        f"and start a job with it, or once it has succeeded ({hints.command('rerun', job.job_id)}): {replay}"
    )
