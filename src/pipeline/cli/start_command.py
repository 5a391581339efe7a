"""The command `pipeline start`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import CommandContext, common, completion, shown
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataset_contract.model import Contract
    from pipeline.stacks import Stack


_REPEAT = (
    "Load files that an earlier job of the dataset has loaded, or rejected rows that another job has replayed. "
    "Files given with --upload are always new ones: the same upload twice is two jobs."
)


@click.command("start")
@click.argument("dataset", shell_complete=completion.datasets)
@click.argument("more", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--source", metavar="URI", help="The source, in the raw bucket: s3://BUCKET/FOLDER/ or one object.")
@click.option(
    "--upload",
    metavar="PATH...",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Upload files or directories into a new folder, and use it as the source.",
)
@click.option("--param", metavar="NAME=VALUE", multiple=True, help="A parameter of the dataset; may be repeated.")
@click.option("--name", help="Name of the execution. The same name and input is the same job, for as long as it runs.")
@click.option("--repeat", is_flag=True, help=_REPEAT)
@click.option(
    "--replays",
    metavar="ID",
    help="The job whose mended rejected rows these are.",
    shell_complete=completion.job_ids,
)
@click.option("--watch", is_flag=True, help="Follow the job to its end, as `pipeline watch` does.")
@common
def command(
    context: CommandContext,
    dataset: str,
    more: tuple[Path, ...],
    source: str | None,
    upload: tuple[Path, ...],
    param: tuple[str, ...],
    name: str | None,
    repeat: bool,
    replays: str | None,
    watch: bool,
) -> int:
    """Start a job, and print its ID.

    It prints the ID at once. It checks the parameters against the deployed contract before it uploads anything.

    \b
    Examples:
      pipeline start flights --source s3://tdp-dev-raw-111122223333-us-east-1/flights/
      pipeline start flights --upload january.csv february.csv --param late_minutes=30 --watch
      pipeline start flights --replays last --upload refused.csv
      job=$(pipeline start flights --upload data/)

    \b
    JSON: job_id, execution_arn, started_at, input (of the execution).
    With --watch it prints the document of `pipeline watch`.
    """
    if more and not upload:
        raise UsageError(f"{str(more[0])!r} is given without --upload; accepted: --upload PATH...")
    if bool(source) == bool(upload):
        raise UsageError("accepted: either --source or --upload, and one of them is needed")
    from pipeline import deployed_contracts, starting

    if name is not None:
        starting.check_name(name)
    stack = context.stack()
    contract = deployed_contracts.load(stack, dataset)
    values = starting.parameters(contract, param)
    replayed = _replayed(stack, contract, replays) if replays else None
    if replayed and not repeat:
        _check_not_replayed(stack, replayed, name)
    if name and upload:
        starting.check_free(stack, name)
    uri = source or _uploaded(stack, dataset, (*upload, *more))
    if upload and replayed and not repeat:  # an upload may take its time
        _check_not_replayed(stack, replayed, name)
    made = starting.start(
        stack, starting.document(stack, dataset, uri, values, repeat=repeat, replays=replayed), name=name
    )
    if not watch and context.output == "json":
        names = {"job_id": made.job_id, "execution_arn": made.execution_arn, "started_at": made.started_at}
        shown.print_json({**names, "input": made.document})
    elif not watch:
        click.echo(made.job_id)
    if not watch:
        return 0
    from pipeline import jobs
    from pipeline.cli.watch_command import watched

    click.echo(f"job {made.job_id}", err=True)
    return watched(context, stack, jobs.find(stack, made.execution_arn), timeout_seconds=None)


def _replayed(stack: Stack, contract: Contract, text: str) -> str:
    """The ID of the job that is replayed, checked before anything is uploaded; registration checks it again."""
    from lambda_generate_param.request import InvalidInputError, check_replayable
    from pipeline import jobs

    dataset = contract.dataset
    job = jobs.find(stack, text)
    if job.dataset not in (None, dataset):
        raise UsageError(f"--replays {job.job_id} is a job of dataset {job.dataset}; accepted: a job of {dataset}")
    if job.recorded not in (None, "SUCCEEDED"):
        raise UsageError(f"--replays {job.job_id} is {job.recorded}; accepted: a job whose rows are loaded")
    if job.counts.get("rows_rejected") == 0:
        raise UsageError(f"--replays {job.job_id} has rejected no row; accepted: a job that has")
    try:
        check_replayable(contract, job.job_id)
    except InvalidInputError as error:
        raise UsageError(str(error)) from error
    return job.job_id


def _check_not_replayed(stack: Stack, replayed: str, name: str | None) -> None:
    """Refuse to load the rows of a replay again. The execution of that name may be started twice, and is one job."""
    from pipeline import jobs

    own = jobs.arn_of_execution(stack, name or "")
    for job_id, (status, executions) in jobs.replayed_by(stack, replayed).items():
        if own not in executions:
            raise UsageError(
                f"--replays {replayed} is replayed by job {job_id}, which is {status}; accepted: "
                f"--replays {job_id} for rows that this one has rejected, or --repeat to load them twice"
            )


def _uploaded(stack: Stack, dataset: str, paths: tuple[Path, ...]) -> str:
    """Upload, with a bar on a terminal; the URI of the folder."""
    from pipeline import uploads

    chosen = uploads.files(paths)
    uri = uploads.folder(stack, dataset)
    total = sum(file.size for file in chosen)
    with _bar(total) as advance:
        uploads.upload(stack, chosen, uri, advance)
    click.echo(f"uploaded {len(chosen)} {'file' if len(chosen) == 1 else 'files'} ({total:,} bytes) to {uri}", err=True)
    return uri


class _bar:  # noqa: N801 - used as a function
    """A bar on stderr where that is a terminal; gives what is told of bytes."""

    def __init__(self, total: int) -> None:
        self._total = total

    def __enter__(self) -> Callable[[int], None]:
        if not sys.stderr.isatty():
            self._progress = None
            return lambda _count: None
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("upload"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._progress.start()
        task = self._progress.add_task("upload", total=self._total)
        return lambda count: self._progress.advance(task, count) if self._progress else None

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()
