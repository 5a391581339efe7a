"""Emulators as their makers ship them, without our parts: what the conformance test compares ours with."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline_tools.environments import DEV, LOCALSTACK, MOTO, Environment

_SECONDS_TO_START = 180.0
_SECONDS_TO_END = 20.0
# As people start them: a script that they run for a client needs some.
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
# A proxy is for what is elsewhere.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")


class EmulatorError(RuntimeError):
    """An emulator did not start; the message holds what it said."""


@dataclass(frozen=True)
class Emulator:
    """How one is started: `{port}` and `{directory}` stand for what a start chooses."""

    title: str
    environment: Environment
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    # A path and a JSON body that are posted once it answers.
    setting: tuple[str, str] | None = None

    @property
    def python(self) -> Path:
        """The interpreter that has it: this one, where it is of that environment."""
        return Path(sys.executable) if Path(sys.prefix) == self.environment.directory else self.environment.ensure()


PLAIN = {
    "plain-ministack": Emulator("MiniStack", DEV, ("-m", "ministack.app"), {"GATEWAY_PORT": "{port}"}),
    "plain-moto": Emulator(
        "moto",
        MOTO,
        ("-m", "moto.server", "-H", "127.0.0.1", "-p", "{port}"),
        {},
        # By itself it keeps executions without running them.
        setting=("/moto-api/config", '{"stepfunctions": {"execute_state_machine": true}}'),
    ),
    "plain-localstack": Emulator(
        "LocalStack",
        LOCALSTACK,
        ("-m", "localstack.runtime.main"),
        {
            "GATEWAY_LISTEN": "127.0.0.1:{port}",
            "FILESYSTEM_ROOT": "{directory}/files",
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
            "EAGER_SERVICE_LOADING": "0",
        },
    ),
}


@contextlib.contextmanager
def serve(name: str, directory: Path) -> Iterator[str]:
    """Serve one of PLAIN on a free port of 127.0.0.1 and give its URL; its output is in `directory`/NAME.log.

    Raises:
        EmulatorError: it ended, or did not answer in time.
        InterpreterNotFoundError: there is no interpreter for it.
    """
    emulator = PLAIN[name]
    directory.mkdir(parents=True, exist_ok=True)
    chosen = {"port": str(_free_port()), "directory": str(directory)}
    variables = {key: value.format(**chosen) for key, value in emulator.variables.items()}
    # No setting of this process reaches it: an emulator takes many of them from the environment.
    inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(emulator.python), *(argument.format(**chosen) for argument in emulator.arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env={**inherited, **_CREDENTIALS, **variables},
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{chosen['port']}"
        _wait_until_it_answers(url, process, log)
        if emulator.setting:
            path, body = emulator.setting
            request = urllib.request.Request(url + path, body.encode(), {"Content-Type": "application/json"})
            _OPENER.open(request, timeout=_SECONDS_TO_START).close()
        yield url
    finally:
        _end(process)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with _OPENER.open(url, timeout=5.0):
                return
        except urllib.error.HTTPError:
            return  # any answer is one
        except OSError:
            time.sleep(0.1)
    raise EmulatorError(f"{url} did not answer (log: {log}):\n{log.read_text(errors='replace')[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_SECONDS_TO_END)
    # Also what it started and left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
