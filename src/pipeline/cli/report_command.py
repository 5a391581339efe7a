"""`pipeline report`: one HTML page about a job, or about the jobs of a dataset."""

from __future__ import annotations

import re
import webbrowser
from pathlib import Path

import click

from dataset_contract.json_types import JsonObject
from pipeline.cli import CommandContext, common, completion
from pipeline.cli.shown import print_json

_MOST_JOBS = 2000


@click.command("report")
@click.argument("job", metavar="[ID]", required=False, shell_complete=completion.job_ids)
@click.option("--dataset", help="All jobs of this dataset, instead of one job.", shell_complete=completion.datasets)
@click.option("--since", metavar="TIME", help="All jobs that started since: 12h, 7d, 2026-01-31, 2026-01-31T12:00.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--open", "show", is_flag=True, help="Open the file in the browser.")
@common
def command(
    context: CommandContext, job: str | None, dataset: str | None, since: str | None, html: Path | None, show: bool
) -> int:
    """Write one HTML page about a job, or about the jobs of a dataset.

    The page is one file that loads nothing, so you can mail it. For a job it shows a verdict, what to do next, the
    timeline, how many rows reached each stage, why rows were rejected, the verdicts of the rules, the trace and the
    cost. With --dataset or --since it shows how all those jobs ended, how long they took, and their rows. It prints the
    path of the file; without --html that is report-<job ID>.html or report-<dataset>.html in the current directory. The
    exit code is 1 if a hop of the job's trace is missing.

    \b
    Examples:
      pipeline report last --open
      pipeline report 20261101T060000 --html job.html
      pipeline report --dataset flights --since 30d
      pipeline report last --output json

    \b
    JSON goes to stdout, and a page is written only with --html. For a job, it has the fields of
    `pipeline trace` (counts as hop_counts) and {verdict, next, source_uri, parameters, started_at,
    ended_at, seconds (of the attempt that decides), failure, flow, reasons, rules, timeline,
    versions, cost}. For many jobs: {dataset, since, is_whole, totals, jobs}; is_whole is false where
    older jobs were left out.
    """
    if (job is None) == (dataset is None and since is None):
        raise click.UsageError("give either a job, or --dataset or --since for many")
    if show and context.output == "json" and not html:
        raise click.UsageError("--open with --output json needs a file: give --html FILE")
    page, shown, name = _of_job(context, job) if job else _of_many(context, dataset, since)
    if context.output == "json":
        print_json(shown)
    if html or context.output == "table":
        place = (html or Path(f"report-{name}.html")).resolve()
        place.write_text(page, encoding="utf-8")
        if context.output == "table":
            click.echo(click.format_filename(place))
        if show and not _opened(place):
            click.echo(f"no browser could be opened; the page is {click.format_filename(place)}", err=True)
    return 0 if shown.get("complete", True) else 1


def _opened(place: Path) -> bool:
    try:
        return webbrowser.open(place.as_uri())
    except webbrowser.Error:  # of a browser that BROWSER names and that is not there
        return False


def _of_job(context: CommandContext, named: str) -> tuple[str, JsonObject, str]:
    from pipeline import jobs, report

    stack = context.stack()
    job = jobs.find(stack, named)
    return *report.of_job(stack, job), job.job_id


def _of_many(context: CommandContext, dataset: str | None, since: str | None) -> tuple[str, JsonObject, str]:
    from pipeline import deployed_contracts, jobs, moments, report

    began = moments.since(since) if since else None
    stack = context.stack()
    if dataset is not None:
        deployed_contracts.check_known(stack, dataset)
    found = jobs.listed(
        stack,
        dataset=dataset,
        since=began,
        limit=_MOST_JOBS + 1,
        on_problem=lambda problem: click.echo(f"warning: {problem}", err=True),
    )
    listed = list(found)
    is_whole = len(listed) <= _MOST_JOBS
    if not is_whole:
        click.echo(f"warning: only the newest {_MOST_JOBS:,} jobs are shown; --since shows fewer", err=True)
    made = report.of_jobs(listed[:_MOST_JOBS], dataset=dataset, since=began, is_whole=is_whole)
    return *made, _file_name(dataset or "jobs")


def _file_name(dataset: str) -> str:
    """A dataset as part of a file's name. One that a refused input has named may be any text."""
    return re.sub(r"[^\w.-]", "_", dataset)
