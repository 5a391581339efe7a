from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws import processes, workdir
from tests.unit.local_aws.services.glue.test_job_process import dies
from tests.waiting import SECONDS

OWNER = """
import subprocess, sys
from pathlib import Path
from local_aws import workdir
with workdir.held(Path(sys.argv[1])) as found:
    print(found, flush=True)
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    print(child.pid, flush=True)
    sys.stdin.read()
"""


# A thread that never ends, as the emulators have where a client went away while it was answered.
HANGS = """
import runpy, sys, threading
threading.Thread(target=threading.Event().wait).start()
sys.argv[0] = "local_aws"
runpy.run_module("local_aws", run_name="__main__")
"""


@pytest.fixture(autouse=True)
def no_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processes.OWNER, "to be set")  # so that it is as before at the end


def owner_of(directory: Path) -> tuple[subprocess.Popen[str], str, int]:
    """A process that has the directory, what it was told, and the process that it started."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout
    return process, process.stdout.readline().strip(), int(process.stdout.readline())


def run_of(directory: Path, job: str, run: str, state: str = "") -> None:
    folder = directory / "glue" / job / run
    folder.mkdir(parents=True)
    (folder / "command.txt").write_text("python script\n")
    if state:
        (folder / workdir.ENDED).write_text(state)


def test_a_second_endpoint_is_refused_and_the_first_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process, told, child = owner_of(tmp_path)
    with process:
        assert told == "[]"
        said = f"{tmp_path} is in use by the endpoint of process {process.pid}; end it first"
        with pytest.raises(workdir.InUseError, match=said), workdir.held(tmp_path):
            pass
        os.kill(child, 0)
        assert process.stdin
        process.stdin.close()
    assert dies(child)  # also at an end in good order


@pytest.mark.endpoint
def test_the_program_refuses_a_directory_that_is_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    process, _told, _child = owner_of(tmp_path)
    with process:
        done = subprocess.run(
            [sys.executable, "-m", "local_aws", "--workdir", str(tmp_path), "--port", "0"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")},
        )
    assert done.returncode == 3
    assert f"error: {tmp_path} is in use by the endpoint of process {process.pid}" in done.stderr


def test_the_next_endpoint_tells_what_a_killed_one_left(tmp_path: Path) -> None:
    process, _told, child = owner_of(tmp_path)
    with process:
        run_of(tmp_path, "clean", "jr_1", "SUCCEEDED")
        run_of(tmp_path, "transform", "jr_2")
        (tmp_path / "glue" / "transform" / "jr_2" / workdir.ENDED).write_text("")  # on a full disk
        process.kill()
    assert dies(child)
    with workdir.held(tmp_path) as found:
        assert found == [
            f"the endpoint of process {process.pid} did not stop by itself, it was ended",
            f"run jr_2 of job transform was cut off; its output: {tmp_path}/glue/transform/jr_2/stderr.log",
        ]
    with workdir.held(tmp_path) as found:  # it is told once
        assert found == []
    assert (tmp_path / "glue/transform/jr_2" / workdir.ENDED).read_text() == workdir.CUT_OFF


def test_the_next_endpoint_tells_which_executions_were_cut_off(tmp_path: Path) -> None:
    arns = [f"arn:aws:states:us-east-1:000000000000:execution:pipeline:{name}" for name in ("ended", "é", "redriven")]
    with workdir.held(tmp_path):
        executions = workdir.RunningExecutions(tmp_path)
        for arn in arns:
            executions.note(arn, True)
        for arn in (arns[0], arns[0], arns[2]):
            executions.note(arn, False)
        executions.note(arns[2], True)
    with workdir.held(tmp_path) as found:
        assert sorted(found) == [f"execution {arns[2]} was cut off", f"execution {arns[1]} was cut off"]
    with workdir.held(tmp_path) as found:  # it is told once
        assert found == []


def test_an_execution_does_not_depend_on_its_note(tmp_path: Path) -> None:
    (tmp_path / "executions").write_text("no directory")
    executions = workdir.RunningExecutions(tmp_path)
    executions.note("arn", True)
    executions.note("arn", False)


def test_processes_that_a_killed_endpoint_left_are_ended_first(tmp_path: Path) -> None:
    environment = {**os.environ, processes.OWNER: str(tmp_path)}
    left = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], env=environment)
    with workdir.held(tmp_path) as found:
        assert left.wait() == -signal.SIGKILL
        assert found == [f"1 of its processes still ran and were ended: {left.pid}"]


@pytest.mark.endpoint
def test_an_endpoint_without_its_database_ends_at_once_and_says_why(tmp_path: Path) -> None:
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    done = subprocess.run(
        [sys.executable, "-m", "local_aws", "--workdir", str(tmp_path), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: PostgreSQL ")
    assert str(tmp_path / "postgres") in done.stderr
    assert done.stdout == ""


@pytest.mark.endpoint
def test_an_endpoint_ends_whatever_its_threads_do(tmp_path: Path) -> None:
    line = [sys.executable, "-c", HANGS, "--workdir", str(tmp_path), "--port", "0", "--until-stdin-ends"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    with subprocess.Popen(
        line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            assert process.stdout
            assert b"endpoint_url" in process.stdout.readline()
            process.communicate(timeout=SECONDS)  # closes its stdin
        finally:
            process.kill()
    assert process.returncode == 0
