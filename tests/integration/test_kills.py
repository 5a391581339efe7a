"""One kill of each kind; `python -m pipeline_tools.chaos.kills` does many, at random moments."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws import processes
from pipeline_tools import owner
from pipeline_tools.chaos import kills
from pipeline_tools.environments import ROOT
from tests.waiting import until

NOXFILE = """
import runpy, nox
project = runpy.run_path({noxfile!r})
@nox.session
def hold(session):
    project["_python"](session, "-c", {program!r}, {workdir!r})
"""
HOLD = """
import signal, sys
from pathlib import Path
from pipeline_tools.endpoint import LocalEndpoint
with LocalEndpoint(Path(sys.argv[1])) as endpoint:
    print(endpoint.endpoint_url, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("what", ["postgresql", "endpoint"])
def test_what_is_killed_is_found_again_whole(what: str) -> None:
    rows = list(kills.run(1, 1, [what]))
    assert [row.outcome for row in rows] == [kills.HELD]


def test_an_endpoint_ends_with_nox(tmp_path: Path) -> None:
    nox = ROOT / ".nox" / "launcher" / "bin" / "nox"
    program = str(nox) if nox.exists() else shutil.which("nox")
    assert program, "no nox: run ./noxw once"
    workdir = tmp_path / "endpoint"
    noxfile = tmp_path / "noxfile.py"
    noxfile.write_text(NOXFILE.format(noxfile=str(ROOT / "noxfile.py"), program=HOLD, workdir=str(workdir)))
    environment = owner.environment()
    with subprocess.Popen(
        [program, "--noxfile", str(noxfile), "-s", "hold"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=sys.stderr,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        tool = processes.with_variable(owner.NOX, str(process.pid))
        assert tool
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: None if processes.with_variable(owner.NOX, str(process.pid)) else True, "the tool has ended")
    until(lambda: None if processes.with_variable(processes.OWNER, str(workdir)) else True, "what it ran has ended")
    assert (workdir / "endpoint.lock").read_text() == ""  # in good order
