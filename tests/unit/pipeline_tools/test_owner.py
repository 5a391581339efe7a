"""Real processes: a tool ends with nox, and what it started with the tool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_tools import owner
from tests.unit.local_aws.services.glue.test_job_process import dies

# What nox is to a tool, the tool, and what that started, each with its number; and how the tool ended.
NOX = """
import os, subprocess, sys
tool = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, "PIPELINE_TOOLS_NOX": str(os.getpid())})
sys.stdin.read()
"""
TOOL = """
import os, signal, subprocess, sys, time
from pipeline_tools import owner
{before}
owner.follow()
owner.follow()
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
try:
    print(os.getpid(), child.pid, flush=True)
    while True:
        time.sleep(0.05)
except KeyboardInterrupt:
    print("stopped in good order", flush=True)
"""


@pytest.fixture
def nox(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    line = [sys.executable, "-c", NOX, TOOL.format(before=request.param)]
    with subprocess.Popen(
        line, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "nox", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN)"], indirect=True, ids=["foreground", "background"]
)
def test_a_tool_ends_in_good_order_when_nox_is_killed(nox: subprocess.Popen[str]) -> None:
    assert nox.stdout
    pids = [int(pid) for pid in nox.stdout.readline().split()]
    os.kill(nox.pid, signal.SIGKILL)
    assert nox.stdout.readline() == "stopped in good order\n"
    assert all(dies(pid) for pid in pids)


@pytest.mark.parametrize("nox", [""], indirect=True)
def test_what_a_killed_tool_started_ends(nox: subprocess.Popen[str]) -> None:
    assert nox.stdout
    tool, child = (int(pid) for pid in nox.stdout.readline().split())
    os.kill(tool, signal.SIGKILL)
    assert dies(child)


@pytest.mark.parametrize(
    "nox", ["owner._SECONDS_TO_STOP = 0.1; signal.signal(signal.SIGINT, lambda *_: signal.pause())"], indirect=True
)
def test_a_tool_that_does_not_stop_is_ended(nox: subprocess.Popen[str]) -> None:
    assert nox.stdout
    pids = [int(pid) for pid in nox.stdout.readline().split()]
    os.kill(nox.pid, signal.SIGKILL)
    assert all(dies(pid) for pid in pids)


def test_a_process_that_has_ended_is_not_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    owner.wait_for_end(process.pid)
