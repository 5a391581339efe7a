"""The local endpoint as a process of its own: started, waited for, and ended by whoever started it."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from local_aws.plain_path import plain
from pipeline_tools import owner
from pipeline_tools.environments import GLUE_PYTHON_SHELL, LOCALSTACK, ROOT, InterpreterNotFoundError, find_pip

ENGINES = ("ministack", "localstack")

# What Python shell runs import, installed once for all endpoints of this checkout.
LIBRARIES = ROOT / "build" / "glue-libraries"
# A safety net: LocalStack took more than a minute on a machine that was busy and had no bytecode of it yet.
_SECONDS_TO_START = 180.0
_SECONDS_TO_END = 45.0


class EndpointError(RuntimeError):
    """The endpoint did not start; the message holds what it said."""


def _pip() -> Path:
    try:
        return find_pip()
    except InterpreterNotFoundError as error:
        raise EndpointError(f"Python shell jobs need pip: {error}") from error


def _python_shell() -> Path | None:
    """Glue's Python, where its wheels can run: else jobs run in this environment, see docs/local.md."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return None
    try:
        return GLUE_PYTHON_SHELL.ensure()
    except InterpreterNotFoundError:
        return None


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """`--engine`, one of ENGINES."""
    parser.add_argument("--engine", choices=ENGINES, help=f"the emulator that serves it (default {ENGINES[0]})")


class LocalEndpoint:
    """`python -m local_aws` on a free or given port of 127.0.0.1; a context manager."""

    def __init__(self, workdir: Path, *, port: int = 0, region: str = "us-east-1", engine: str | None = None) -> None:
        """`engine`: one of ENGINES; None is what LOCAL_AWS_ENGINE names, or else the first."""
        self.workdir = workdir
        self.engine = engine or os.environ.get("LOCAL_AWS_ENGINE") or ENGINES[0]
        self.region = region
        self._port = port
        self._process: subprocess.Popen[str] | None = None
        self._held = contextlib.ExitStack()
        self.endpoint_url = ""

    def __enter__(self) -> LocalEndpoint:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        """The log of the endpoint."""
        return self.workdir / "endpoint.log"

    def start(self) -> None:
        """Start it and wait until it serves.

        Raises:
            EndpointError: it ended, or was not ready in time.
        """
        program = self._program()
        workdir = self._held.enter_context(plain(self.workdir))
        owner.follow()
        environment = {**owner.environment(), "PYTHONPATH": str(ROOT / "src")}
        line = [*program, "--engine", self.engine, "--port", str(self._port), "--region", self.region]
        line += ["--libraries", str(LIBRARIES), "--pip-python", str(_pip())]
        line += ["--python-shell", str(python)] if (python := _python_shell()) else []
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*line, "--workdir", str(workdir), "--until-stdin-ends"],
                # Only this process holds the other end, so the endpoint does not outlive it, however it ends.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                # Ctrl-C reaches the whole foreground group; the endpoint is ended by stop(), after what uses it.
                start_new_session=True,
            )
        try:
            self.endpoint_url = self._wait_until_ready(self._process)
        except BaseException:  # raised on, Ctrl-C too: no process is left behind
            self.stop()
            raise

    def _program(self) -> list[str]:
        if self.engine not in ENGINES:
            raise EndpointError(f"engine {self.engine!r} is unknown; known: {', '.join(ENGINES)}")
        if self.engine != "localstack":
            return [sys.executable, "-m", "local_aws"]
        try:
            python = LOCALSTACK.ensure()
        except InterpreterNotFoundError as error:
            raise EndpointError(f"LocalStack needs Python {LOCALSTACK.python_version}: {error}") from error
        # The jobs run in this environment, which has Spark.
        return [str(python), "-m", "local_aws", "--job-python", sys.executable]

    def stop(self) -> None:
        """End it and all that it started."""
        process = self._process
        if process is None:
            self._held.close()
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        self._process = None
        self._held.close()

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def process_id(self) -> int:
        """The ID of the endpoint's process.

        Raises:
            EndpointError: it does not run.
        """
        if self._process is None:
            raise EndpointError("the endpoint does not run")
        return self._process.pid

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        deadline = time.monotonic() + _SECONDS_TO_START
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if not selector.select(timeout=0.5):
                    continue
                line = process.stdout.readline()
                if line.startswith("{"):
                    return str(json.loads(line)["endpoint_url"])
                if not line:
                    break
        said = self.log.read_text(encoding="utf-8", errors="replace").strip()
        raise EndpointError(f"the local endpoint did not start (log: {self.log}):\n{said[-2000:]}")
