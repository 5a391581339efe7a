"""Directories below build/ that one process at a time has for itself."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from local_aws.workdir import unfinished_runs

# `held` takes a lock for a moment, which must refuse nobody else's.
_SECONDS_TO_TRY = 0.2
_SECONDS_BETWEEN = 0.02


class ClaimedError(RuntimeError):
    """Another process has the directory; the message says which."""


@contextlib.contextmanager
def claimed(directory: Path, owner: str) -> Iterator[Path]:
    """The directory, emptied, for this process alone; what an earlier one left is of no use to the next.

    The lock is the kernel's, on a file beside the directory: it ends with the process, however that ends. `owner` is
    what another one that wants the directory is told, such as "nox -s local".

    Raises:
        ClaimedError: another process has it; nothing of it was touched.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _file(directory).open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + _SECONDS_TO_TRY
        while not _locked(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                file.seek(0)
                raise ClaimedError(
                    f"{directory} is in use by {file.read() or 'another process'}; end that one first, or use it"
                )
            time.sleep(_SECONDS_BETWEEN)
        file.seek(0)
        for line in _left_by(file.read(), directory):
            print(line, file=sys.stderr, flush=True)
        file.truncate(0)
        file.write(f"`{owner}` (process {os.getpid()})")
        file.flush()
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        try:
            yield directory
        finally:
            file.truncate(0)


def _left_by(earlier: str, directory: Path) -> list[str]:
    """What is told of an earlier process that did not give the directory back, and of what it had not finished."""
    if not earlier:
        return []
    runs = [run for workdir in (directory, *directory.glob("*/")) for run in unfinished_runs(workdir)]
    cut_off = [f"  cut off: run {run.name} of job {run.parent.name}" for run in runs]
    return [f"{earlier} was ended before it could stop; what it left in {directory} is removed", *cut_off]


def held(directory: Path) -> bool:
    """Whether a process has the directory."""
    try:
        with _file(directory).open(encoding="utf-8") as file:
            return not _locked(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _file(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.lock")


def _locked(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_whole(path: Path, document: object) -> None:
    """Write JSON so that a reader sees the whole file or none."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
