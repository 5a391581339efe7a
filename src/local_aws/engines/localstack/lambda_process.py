"""One process that serves the invocations of a Lambda function, one at a time."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local_aws import processes

_BOOTSTRAP = Path(__file__).with_name("lambda_bootstrap.py")
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "USER", "LOGNAME", processes.OWNER)
_READ_BYTES = 1 << 20
_SECONDS_TO_EXIT = 2.0


@dataclass(frozen=True)
class InvocationAnswer:
    """What became of an invocation. `logs`: what the handler wrote, on stdout and stderr."""

    payload: str
    is_error: bool
    logs: str


class LambdaProcess:
    """The process is started by the first invocation, and again by the one after an invocation that ended it.

    Args:
        task_root: directory with the function's unpacked code.
        environment: the function's, handler and names included.
        directory: for the log and for temporary files; made as needed.
        python: the interpreter that serves it.
    """

    def __init__(
        self, task_root: Path, environment: Mapping[str, str], directory: Path, *, python: Path = Path(sys.executable)
    ) -> None:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        own = {"LAMBDA_TASK_ROOT": str(task_root), "TMPDIR": str(directory / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
        self._environment = {**inherited, **environment, **own}
        self._task_root = task_root
        self._directory = directory
        self._python = python
        self._log = directory / "output.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: IO[bytes] | None = None
        self._invoking = threading.Lock()
        self._changing = threading.Lock()
        self._stopped = False

    def invoke(self, request_id: str, function_arn: str, payload: str, *, timeout_seconds: float) -> InvocationAnswer:
        """Answer one invocation. A handler that takes too long, or that ends its process, is an error as on AWS.

        Raises:
            RuntimeError: it was stopped.
        """
        with self._invoking:
            process = self._running()
            written = self._log.stat().st_size
            deadline = time.monotonic() + timeout_seconds
            document = {
                "id": request_id,
                "arn": function_arn,
                "payload": payload,
                "deadline_ms": (time.time() + timeout_seconds) * 1000,
            }
            line = self._ask(process, json.dumps(document).encode() + b"\n", deadline)
            if line is None:
                self._end(process, seconds_to_exit=0)
                text = f"{_now()} {request_id} Task timed out after {timeout_seconds:.2f} seconds"
                return self._failed("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}", written)
            if not line.endswith(b"\n"):
                code = self._end(process, seconds_to_exit=_SECONDS_TO_EXIT)
                status = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
                text = f"RequestId: {request_id} Error: Runtime exited with error: {status}"
                return self._failed("Runtime.ExitError", text, written)
            answer = json.loads(line)
            return InvocationAnswer(answer["payload"], answer["error"], self._said(written))

    def stop(self) -> None:
        """End the process, and all that it started, for good."""
        with self._changing:
            self._stopped = True
            process = self._process
        if process is not None:
            _kill_group(process)
            with self._invoking:  # who waits for an answer sees the end of the process first
                self._end(process, seconds_to_exit=0)

    def log(self) -> str:
        """All that was written since the first invocation."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def _running(self) -> subprocess.Popen[bytes]:
        with self._changing:
            if self._stopped:
                raise RuntimeError(f"the Lambda process for {self._task_root} was stopped")
            if self._process is None:
                self._process = self._start()
            return self._process

    def _start(self) -> subprocess.Popen[bytes]:
        (self._directory / "tmp").mkdir(parents=True, exist_ok=True)
        readable, writable = os.pipe()
        self._answers = os.fdopen(readable, "rb", buffering=0)
        try:
            with self._log.open("ab") as log:
                return subprocess.Popen(
                    # -P: the modules beside the bootstrap are not the function's.
                    [str(self._python), "-P", str(_BOOTSTRAP), str(writable)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self._task_root,
                    env=self._environment,
                    pass_fds=(writable,),
                    start_new_session=True,
                )
        finally:
            os.close(writable)

    def _ask(self, process: subprocess.Popen[bytes], invocation: bytes, deadline: float) -> bytes | None:
        """The answer: a whole line, what there was of it when the process ended, or None when the time was up."""
        assert process.stdin is not None
        assert self._answers is not None
        try:
            process.stdin.write(invocation)
            process.stdin.flush()
        except BrokenPipeError:
            return b""
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(timeout=max(0.0, deadline - time.monotonic())):
                    return None
                part = self._answers.read(_READ_BYTES)
                if not part:
                    break
                line += part
        return line

    def _end(self, process: subprocess.Popen[bytes], *, seconds_to_exit: float) -> int:
        """The exit code; by itself within the given time, or by a signal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds_to_exit)
        _kill_group(process)
        code = process.wait()
        with self._changing:
            self._process = None
            for stream in (process.stdin, self._answers):
                with contextlib.suppress(OSError):  # what could not be written to stdin any more
                    if stream is not None:
                        stream.close()
        return code

    def _failed(self, kind: str, message: str, written: int) -> InvocationAnswer:
        payload = json.dumps({"errorType": kind, "errorMessage": message})
        return InvocationAnswer(payload, True, f"{self._said(written)}{message}\n")

    def _said(self, since: int) -> str:
        with self._log.open("rb") as file:
            file.seek(since)
            text = file.read().decode("utf-8", errors="replace")
        return text if text.endswith("\n") or not text else f"{text}\n"


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Also what a process that has ended left in its group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
