"""Files brought to their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_contract.manifests import FileEntry
from glue_python_job.cleaning.outcome import LocalPart
from glue_python_job.logs import Log
from glue_python_job.storage import Stores


def empty(directory: str, stores: Stores, log: Log) -> None:
    """Delete what an earlier attempt left."""
    stale = stores.of(directory).empty(directory)
    if stale:
        log.warning("files of an earlier attempt deleted", directory=directory, files=stale)


def publish_texts(paths: Sequence[Path], directory: str, stores: Stores) -> None:
    """Publish files under their own names."""
    for path in paths:
        stores.of(directory).publish(path, f"{directory}{path.name}")


def publish(parts: Sequence[LocalPart], directory: str, stores: Stores, log: Log) -> list[FileEntry]:
    """Publish the parts below an empty directory."""
    storage, files = stores.of(directory), []
    for number, part in enumerate(parts):
        uri = f"{directory}part-{number:05d}.parquet"
        files.append(FileEntry(uri, part.path.stat().st_size, part.rows))
        storage.publish(part.path, uri)
    log.info("published", directory=directory, files=len(files), bytes=sum(file.bytes for file in files))
    return files
