"""Space for the copies, parts and spilled data of a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from glue_python_job.errors import JobError
from glue_python_job.sizes import LARGEST_BATCH_BYTES
from glue_python_job.storage import StoredFile
from glue_python_job.text.file_kinds import COMPRESSIONS

COMPRESSION_RATIO = 8  # text to its compressed file, on the safe side
STAGED_RATIO = 0.5  # Parquet to text, on the safe side
RESERVE_BYTES = 64 * 1024**2


@contextmanager
def scratch_directory(files: Sequence[StoredFile], remote: bool) -> Iterator[Path]:
    """A directory below the system's temporary one (TMPDIR), deleted at the end.

    Raises:
        JobError: less space is free there than a run over `files` may need.
    """
    with TemporaryDirectory(prefix="glue-python-job-") as name:
        directory = Path(name)
        needed, free = needed_bytes(files, remote), shutil.disk_usage(directory).free
        if free < needed:
            raise JobError(
                f"the scratch directory {directory.parent} has {_gigabytes(free)} free and the source may need "
                f"{_gigabytes(needed)}; split the source, or set TMPDIR to a larger disk"
            )
        yield directory


def needed_bytes(files: Sequence[StoredFile], remote: bool) -> int:
    """An upper estimate: two downloaded files, a batch of text twice, the next one, and all the Parquet files."""
    sizes = [_content_bytes(file) for file in files]
    download = sum(sorted(file.size for file in files)[-2:]) if remote else 0
    batch = min(2 * sum(sizes), 3 * LARGEST_BATCH_BYTES)
    return download + batch + int(STAGED_RATIO * sum(sizes)) + RESERVE_BYTES


def _content_bytes(file: StoredFile) -> int:
    name = file.uri.lower()
    if name.endswith(tuple(COMPRESSIONS)):
        return file.size * COMPRESSION_RATIO
    return file.size * 2 if name.endswith(".parquet") else file.size


def _gigabytes(size: int) -> str:
    return f"{size / 1000**3:.1f} GB"
