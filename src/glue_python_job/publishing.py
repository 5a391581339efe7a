"""Files brought to their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_contract.manifests import FileEntry
from glue_python_job.cleaning.outcome import LocalPart
from glue_python_job.logs import Log
from glue_python_job.storage import StorageError, Stores


def tidy(directory: str, kept: str, stores: Stores, log: Log) -> None:
    """Delete what other runs left below the directory. It is of no use, and so no reason to fail."""
    try:
        stale = stores.of(directory).empty(directory, but=kept)
    except StorageError as error:
        log.warning("files of other runs are left", directory=directory, cause=str(error))
        return
    if stale:
        log.warning("files of other runs deleted", directory=directory, files=stale)


def publish_texts(paths: Sequence[Path], directory: str, stores: Stores) -> None:
    """Publish files under their own names."""
    for path in paths:
        stores.of(directory).publish(path, f"{directory}{path.name}")


def publish(parts: Sequence[LocalPart], directory: str, stores: Stores, log: Log) -> list[FileEntry]:
    """Publish the parts below a directory of this run's own."""
    storage, files = stores.of(directory), []
    for number, part in enumerate(parts):
        uri = f"{directory}part-{number:05d}.parquet"
        files.append(FileEntry(uri, part.path.stat().st_size, part.rows))
        storage.publish(part.path, uri)
    log.info("published", directory=directory, files=len(files), bytes=sum(file.bytes for file in files))
    return files
