"""Processes by what their environment says, and their end: nothing that an endpoint starts outlives it.

A process group is not enough: Spark's Python workers and whatever a script puts into the background leave it, and a
process that was started a moment before its owner was killed is in nobody's list. An environment is inherited by all
of them. As a program (`python processes.py NAME VALUE`, standard library only) it waits until its stdin ends, which
is when the process that holds the other end has ended, by whatever signal, and then ends all that has the variable.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

# What an endpoint gives to all that it starts: its work directory.
OWNER = "LOCAL_AWS_WORKDIR"
_PROC = Path("/proc")
_SECONDS_TO_END = 10.0
_SECONDS_BETWEEN_LOOKS = 0.02


def with_variable(name: str, value: str) -> set[int]:
    """The processes, other than this one, that were started with a variable of this value.

    Those of other users are not seen, except by root.
    """
    if not (_PROC / "self" / "environ").exists():
        return _told_by_ps(name, value) - {os.getpid()}
    wanted = f"{name}={value}".encode()
    found = set()
    for path in _PROC.glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # ended by now, or another user's
            if wanted in path.read_bytes().split(b"\0"):
                found.add(int(path.parent.name))
    return found - {os.getpid()}


def end_all(name: str, value: str) -> set[int]:
    """Kill every process that has the variable, also those that these start meanwhile. Returns which there were."""
    ended: set[int] = set()
    deadline = time.monotonic() + _SECONDS_TO_END
    while (found := with_variable(name, value)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended |= found
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return ended


class Watcher:
    """A process that ends all that has a variable as soon as this process has ended."""

    def __init__(self, name: str, value: str) -> None:
        # Only this process holds the other end of the pipe. In a session of its own: what ends this process's group
        # must not end the watcher before it has done its work.
        line = [sys.executable, "-I", "-S", str(Path(__file__)), name, value]
        self._process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={}, cwd="/", start_new_session=True
        )

    def close(self) -> None:
        """End all that has the variable now, and the watcher."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def listed(lines: Iterable[str], name: str, value: str) -> set[int]:
    """The numbers in lines of `ps`, each a number, a command and its environment, in which a variable has a value."""
    wanted = re.compile(rf"\s*(\d+)\s.*?\s{re.escape(name)}={re.escape(value)}(?:\s|$)")
    return {int(match[1]) for line in lines if (match := wanted.match(line))}


def _told_by_ps(name: str, value: str) -> set[int]:
    # macOS: -E adds the environment; https://keith.github.io/xcode-man-pages/ps.1.html
    line = ["/bin/ps", "-A", "-E", "-ww", "-o", "pid=,command="]
    told = subprocess.run(line, capture_output=True, check=False, env={}).stdout.decode(errors="replace")
    return listed(told.splitlines(), name, value)


def _main(name: str, value: str) -> None:
    # Whoever interrupts the endpoint's terminal does not mean this.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end_all(name, value)


if __name__ == "__main__":
    _main(*sys.argv[1:])
