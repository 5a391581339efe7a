"""The work directory of an endpoint: one endpoint at a time has it, and it tells what an earlier one left undone."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from local_aws import processes

_LOCK: Final = "endpoint.lock"
# In the directory of a job run: its last state. A run without it was cut off.
ENDED: Final = "state.txt"
CUT_OFF: Final = "CUT_OFF"
_EXECUTIONS: Final = "executions"


class InUseError(RuntimeError):
    """Another endpoint has the directory."""


@contextlib.contextmanager
def held(workdir: Path) -> Iterator[list[str]]:
    """Have a directory, and nothing run in it that an earlier endpoint started. Yields what there was, to be told.

    Raises:
        InUseError: another endpoint works in it; nothing of it was touched.
    """
    workdir.mkdir(parents=True, exist_ok=True)
    with (workdir / _LOCK).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            other = lock.read().strip() or "unknown"
            raise InUseError(f"{workdir} is in use by the endpoint of process {other}; end it first") from error
        found = _left_by(lock.read() if lock.seek(0) == 0 else "", workdir)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        os.environ[processes.OWNER] = str(workdir)
        try:
            with processes.Watcher(processes.OWNER, str(workdir)):
                yield found
        finally:
            lock.truncate(0)


def _left_by(owner: str, workdir: Path) -> list[str]:
    """What an earlier endpoint left, a sentence each; its processes are ended by now, and its runs marked."""
    found = []
    if owner.strip():
        found.append(f"the endpoint of process {owner.strip()} did not stop by itself, it was ended")
    if left := processes.end_all(processes.OWNER, str(workdir)):
        found.append(f"{len(left)} of its processes still ran and were ended: {', '.join(map(str, sorted(left)))}")
    for file in sorted((workdir / _EXECUTIONS).glob("*")):
        found.append(f"execution {file.read_text(encoding='utf-8') or 'of an unknown ARN'} was cut off")
        file.unlink()
    for run in unfinished_runs(workdir):
        (run / ENDED).write_text(CUT_OFF, encoding="utf-8")
        found.append(f"run {run.name} of job {run.parent.name} was cut off; its output: {run / 'stderr.log'}")
    return found


def unfinished_runs(workdir: Path) -> list[Path]:
    """The directories of job runs that did not come to an end, oldest first."""
    runs = [path.parent for path in (workdir / "glue").glob("*/jr_*/command.txt")]
    return sorted((run for run in runs if not _state(run)), key=lambda run: run.stat().st_mtime_ns)


def _state(run: Path) -> str:
    """Empty also where a full disk took no more."""
    try:
        return (run / ENDED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


class RunningExecutions:
    """Keeps which executions run, as a file each, so that the next endpoint can tell of those that were cut off."""

    def __init__(self, workdir: Path) -> None:
        self._directory = workdir / _EXECUTIONS

    def note(self, arn: str, runs: bool) -> None:
        """An execution begins, also again, or ends."""
        file = self._directory / hashlib.sha256(arn.encode()).hexdigest()[:32]
        # An execution does not depend on it, on a full disk for one.
        with contextlib.suppress(OSError):
            if runs:
                self._directory.mkdir(exist_ok=True)
                file.write_text(arn, encoding="utf-8")
            else:
                file.unlink(missing_ok=True)
