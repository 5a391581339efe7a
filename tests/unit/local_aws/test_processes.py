"""Real processes: what an owner started ends with it, also what has left its group and its session."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws import processes
from tests.unit.local_aws.services.glue.test_job_process import dies

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
# Prints its own number and that of a process that it puts into the background, as a daemon does it.
DAEMON = """
import os, subprocess, sys
program = "import os, signal; print(os.getpid(), flush=True); os.setsid(); signal.pause()"
child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, close_fds=True)
print(os.getpid(), child.stdout.readline().strip(), flush=True)
sys.stdin.read()
"""
OWNER = """
import os, signal, sys
from local_aws import processes
os.environ["OWNED_BY"] = sys.argv[1]
watcher = processes.Watcher("OWNED_BY", sys.argv[1])
import subprocess
child = subprocess.Popen([sys.executable, "-c", sys.argv[2]], stdin=subprocess.PIPE, start_new_session=True)
sys.stdin.read()
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    made: list[subprocess.Popen[str]] = []
    yield made
    for process in made:
        process.kill()
        process.communicate()


def test_all_that_has_a_variable_is_ended_and_nothing_else(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    pids = []
    for value in ("this", "this and more"):
        environment = {**ENVIRONMENT, "OWNED_BY": f"{tmp_path}/{value}"}
        line = [sys.executable, "-c", DAEMON]
        process = subprocess.Popen(
            line, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        assert process.stdout
        pids.append({int(pid) for pid in process.stdout.readline().split()})
    assert processes.end_all("OWNED_BY", f"{tmp_path}/this") == pids[0]
    assert started[0].wait() == -signal.SIGKILL
    assert all(dies(pid) for pid in pids[0])
    assert processes.with_variable("OWNED_BY", f"{tmp_path}/this and more") == pids[1]
    assert processes.end_all("OWNED_BY", f"{tmp_path}/this and more") == pids[1]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_an_owner_started_ends_with_it_by_whatever_signal(
    number: signal.Signals, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    line = [sys.executable, "-c", OWNER, str(tmp_path), DAEMON]
    owner = subprocess.Popen(line, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started.append(owner)
    assert owner.stdout
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert len(pids) == 2
    owner.send_signal(number)
    owner.wait()
    assert all(dies(pid) for pid in pids)


def test_what_ps_tells_is_read_by_whole_values() -> None:
    lines = [
        "  12 /usr/bin/java -cp OWNED_BY=/other x HOME=/root OWNED_BY=/srv/a b PATH=/bin",
        "  13 python OWNED_BY=/srv/a bc",
        "  14 python XOWNED_BY=/srv/a b",
        "1500 python PATH=/bin OWNED_BY=/srv/a b",
        "",
    ]
    assert processes.listed(lines, "OWNED_BY", "/srv/a b") == {12, 1500}
