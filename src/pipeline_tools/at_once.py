"""Commands that run at the same time: their output, line by line behind each one's name, and how each ended.

Standard library only, since the noxfile imports it before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final

_SECONDS_TO_END: Final = 60.0
_SECONDS_TO_TERMINATE: Final = 5.0
_SECONDS_TO_COPY: Final = 5.0


@dataclass(frozen=True)
class NamedCommand:
    """A program to run.

    Attributes:
        name: stands before each line of its output.
        line: the program and its arguments.
        environment: is added to this process's own.
        niceness: is added to this process's own: commands with more of it give way to the others.
    """

    name: str
    line: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    niceness: int = 0


@dataclass(frozen=True)
class CommandResult:
    """How a command ended. `code`: its exit code, or minus the signal that ended it."""

    name: str
    code: int
    seconds: float


def run(commands: Sequence[NamedCommand], out: IO[str] | None = None) -> list[CommandResult]:
    """Run all of them to their ends, whatever becomes of the others, and return how each ended, in the order given.

    Who interrupts this process interrupts its children too, as a terminal does: they get a minute to end in good order.

    Raises:
        OSError: a program cannot be started. Those that were started have been ended.
        KeyboardInterrupt: after all have ended.
    """
    writer = _Writer(out or sys.stdout, max((len(command.name) for command in commands), default=0))
    running: list[_Running] = []
    try:
        for command in commands:
            running.append(_Running(command, writer))
        return [one.result() for one in running]
    except KeyboardInterrupt:
        _end(running)
        raise
    except OSError:
        for one in running:
            one.process.send_signal(signal.SIGINT)
        _end(running)
        raise


class _Writer:
    """Whole lines of several commands, each behind its command's name."""

    def __init__(self, out: IO[str], width: int) -> None:
        self._out, self._width, self._lock = out, width, threading.Lock()

    def write(self, name: str, line: str) -> None:
        with self._lock:
            self._out.write(f"{name:<{self._width}} | {line}\n")
            self._out.flush()


class _Running:
    """A command that was started, and the threads that copy its output and wait for its end."""

    def __init__(self, command: NamedCommand, writer: _Writer) -> None:
        self._name, self._writer, self._began, self._seconds = command.name, writer, time.monotonic(), 0.0
        nice = ("nice", "-n", str(command.niceness)) if command.niceness else ()
        self.process = subprocess.Popen(
            [*nice, *command.line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **command.environment},
            text=True,
            errors="replace",
        )
        self._copier = threading.Thread(target=self._copy, name=f"output of {command.name}", daemon=True)
        self._waiter = threading.Thread(target=self._wait, name=f"end of {command.name}", daemon=True)
        for thread in (self._copier, self._waiter):
            thread.start()

    def result(self) -> CommandResult:
        self._waiter.join()
        self.close()
        code = self.process.wait()
        self._writer.write(self._name, f"ended with exit code {code} after {self._seconds:.0f} s")
        return CommandResult(self._name, code, self._seconds)

    def close(self) -> None:
        """Copy what it wrote last."""
        # What the command left behind may hold the pipe open.
        self._copier.join(timeout=_SECONDS_TO_COPY)

    def _copy(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            for line in lines:
                self._writer.write(self._name, line.rstrip("\n"))

    def _wait(self) -> None:
        self.process.wait()
        self._seconds = time.monotonic() - self._began


def _end(running: Sequence[_Running]) -> None:
    """Wait until all have ended; terminate, and then kill, what does not within a minute."""
    deadline = time.monotonic() + _SECONDS_TO_END
    for end in (None, subprocess.Popen.terminate, subprocess.Popen.kill):
        for one in running:
            if end and one.process.poll() is None:
                end(one.process)
        for one in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(timeout=max(_SECONDS_TO_TERMINATE, deadline - time.monotonic()))
    for one in running:
        one.close()
