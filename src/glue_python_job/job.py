"""One run of the stage: read the contract, clean the source, publish the files, the manifest last."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from glue_python_job import contract as contracts
from glue_python_job import manifest
from glue_python_job.arguments import Arguments
from glue_python_job.contract import Contract
from glue_python_job.errors import JobError
from glue_python_job.log import Log, utc_now
from glue_python_job.results import FileRows, LocalPart, Outcome
from glue_python_job.scratch import scratch_directory
from glue_python_job.storage import StoredFile, Stores


def run(arguments: Arguments) -> None:
    """Do what `arguments` ask for, unless a manifest says that it is done.

    Raises:
        JobError: the source, the contract or the place for the output is not usable. Nothing was published then.
    """
    log, stores, started = Log(arguments.job_id), Stores(), utc_now()
    manifests = stores.of(arguments.manifest_uri)
    if manifest.is_complete(manifests.read_text(arguments.manifest_uri), arguments):
        log.info("the stage is complete: nothing to do", manifest=arguments.manifest_uri)
        return
    contract = _contract(arguments, stores)
    files = stores.of(arguments.source_uri).list_files(arguments.source_uri)
    if not files:
        raise JobError(
            f"no files below {arguments.source_uri}; check --source_uri (names with _ or . first are hidden)"
        )
    log.info("started", dataset=arguments.dataset, files=len(files), bytes=sum(file.size for file in files))
    with _resource_errors(), scratch_directory(files, stores.of(arguments.source_uri).remote) as scratch:
        engine, outcome = _clean(arguments, contract, files, stores, scratch, log)
        published = _publish(arguments, outcome, stores, log)
    finished = utc_now()
    details = manifest.Run(started, finished, contract.version, engine)
    manifests.write_text(arguments.manifest_uri, manifest.render(arguments, outcome.counts, published, details))
    log.info(
        "finished",
        rows_in=outcome.counts.rows_in,
        rows_out=outcome.counts.staged,
        rows_rejected=outcome.counts.rejected,
        seconds=round((finished - started).total_seconds(), 3),
        manifest=arguments.manifest_uri,
    )


def _contract(arguments: Arguments, stores: Stores) -> Contract:
    text = stores.of(arguments.contract_uri).read_text(arguments.contract_uri)
    if text is None:
        raise JobError(f"there is no contract at {arguments.contract_uri}; check --contract_uri")
    try:
        return contracts.parse(text)
    except contracts.ContractError as error:
        raise JobError(f"{arguments.contract_uri}: {error}") from error


def _clean(
    arguments: Arguments, contract: Contract, files: Sequence[StoredFile], stores: Stores, scratch: Path, log: Log
) -> tuple[str, Outcome]:
    # Imported here: a run that has nothing to do needs no engine.
    from glue_python_job import engine
    from glue_python_job.cleaning import clean

    with engine.connect(arguments.memory_limit, scratch) as connection:
        outcome = clean(connection, contract, files, stores.of(arguments.source_uri), scratch, log)
    return engine.VERSION, outcome


def _publish(arguments: Arguments, outcome: Outcome, stores: Stores, log: Log) -> manifest.Published:
    staged = _replace(outcome.staged, arguments.staged_uri, stores, log)
    rejected = _replace(outcome.rejected, arguments.rejected_uri, stores, log)
    return manifest.Published(outcome.sources, staged, rejected)


def _replace(parts: Sequence[LocalPart], directory: str, stores: Stores, log: Log) -> list[FileRows]:
    """Publish the parts as the only files of the directory."""
    storage, files = stores.of(directory), []
    stale = storage.empty(directory)
    if stale:
        log.warning("files of an earlier attempt deleted", directory=directory, files=stale)
    for number, part in enumerate(parts):
        uri = f"{directory}part-{number:05d}.parquet"
        files.append(FileRows(uri, part.path.stat().st_size, part.rows))
        storage.publish(part.path, uri)
    log.info("published", directory=directory, files=len(files), bytes=sum(file.bytes for file in files))
    return files


@contextmanager
def _resource_errors() -> Iterator[None]:
    """Say what to do when the machine is too small."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise JobError(f"the memory does not suffice; raise --memory_limit ({error})") from error
    except (OSError, duckdb.IOException) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if full or "No space left" in str(error):
            raise JobError("the scratch directory is full; split the source, or set TMPDIR to a larger disk") from error
        raise
