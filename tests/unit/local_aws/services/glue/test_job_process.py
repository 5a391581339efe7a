"""Real processes: what a job run starts is ended with it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_aws.services.glue import process as glue_process
from local_aws.services.glue.libraries import Libraries
from local_aws.services.glue.process import JobProcess, ProcessSettings
from tests.waiting import SECONDS, until

# Ignores SIGTERM and starts a grandchild; both write their process ID.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])
print(os.getpid(), child.pid, flush=True)
signal.pause()
"""
LEAVES_A_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])
print(child.pid, flush=True)
"""


class Lines:
    def __init__(self) -> None:
        self.appended: list[tuple[str, str, str]] = []

    def append(self, group: str, stream: str, lines: Sequence[str]) -> None:
        self.appended += [(group, stream, line) for line in lines]


@pytest.fixture
def logs() -> Lines:
    return Lines()


@pytest.fixture
def process(tmp_path: Path, logs: Lines) -> Callable[..., JobProcess]:
    def make(script: str, memory_bytes: int | None = None, logs: Lines = logs) -> JobProcess:
        (tmp_path / "tmp").mkdir()
        settings = ProcessSettings(tmp_path, Libraries(tmp_path / "libraries"), seconds_to_end=0.3)
        line = [sys.executable, "-c", script]
        return JobProcess(line, {"A": "b"}, tmp_path, logs, ("/group", "stream"), settings, None, memory_bytes)

    return make


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A dead process stays listed until its parent has read its exit code.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def dies(pid: int) -> bool:
    return until(lambda: not alive(pid), f"process {pid} has died")


def test_the_exit_code_and_the_output_are_kept(process: Callable[[str], JobProcess], logs: Lines) -> None:
    job = process("import os, sys; print(os.environ['A']); print('oh', file=sys.stderr); sys.exit(7)")
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == 7
    assert job.stdout.read_text() == "b\n"
    assert sorted(logs.appended) == [("/group/error", "stream", "oh"), ("/group/output", "stream", "b")]


def test_a_run_whose_time_is_up_is_ended_with_all_that_it_started(process: Callable[[str], JobProcess]) -> None:
    job = process(STUBBORN)
    job.start()
    while not job.stdout.read_text().endswith("\n"):
        time.sleep(0.01)
    pids = [int(pid) for pid in job.stdout.read_text().split()]
    assert job.wait(timeout_seconds=0.01) is None
    assert all(dies(pid) for pid in pids)


def test_what_a_script_left_behind_is_ended(process: Callable[[str], JobProcess]) -> None:
    job = process(LEAVES_A_CHILD)
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == 0
    assert dies(int(job.stdout.read_text()))


def test_a_killed_run_tells_the_signal(process: Callable[[str], JobProcess]) -> None:
    job = process("import signal; signal.pause()")
    job.start()
    job.kill()
    assert job.wait(timeout_seconds=SECONDS) in (-15, -9)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's memory")
@pytest.mark.parametrize(("megabytes", "code"), [(50, 0), (200, -9)])
def test_a_run_that_takes_more_memory_than_it_has_is_killed(
    process: Callable[..., JobProcess], megabytes: int, code: int
) -> None:
    # Freed again: what counts is the most that it had.
    script = f"import signal, sys\nb'x' * {megabytes * 1024**2}\n"
    job = process(script + ("signal.pause()" if code else ""), 120 * 1024**2)
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == code
    assert job.error_message(-9) == "Command failed with exit code 137"


def test_a_process_that_was_never_started_has_no_exit_code(process: Callable[[str], JobProcess]) -> None:
    job = process("")
    job.kill()
    assert job.wait(timeout_seconds=SECONDS) is None


def test_scratch_is_removed_and_the_logs_stay(process: Callable[[str], JobProcess], tmp_path: Path) -> None:
    job = process("open('scratch', 'w').close(); print('done')")
    job.start()
    job.wait(timeout_seconds=SECONDS)
    job.clean()
    assert not (tmp_path / "tmp").exists()
    assert job.stdout.read_text() == "done\n"


LEAVES_A_DAEMON = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], start_new_session=True)
print(child.pid, flush=True)
"""


def test_what_a_script_put_into_the_background_is_ended(process: Callable[[str], JobProcess]) -> None:
    job = process(LEAVES_A_DAEMON)
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == 0
    assert dies(int(job.stdout.read_text()))


class FailingLogs(Lines):
    """A sink that fails the first times that it is asked."""

    def __init__(self, failures: float) -> None:
        super().__init__()
        self.failures = failures

    def append(self, group: str, stream: str, lines: Sequence[str]) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise ConnectionError("no answer")
        super().append(group, stream, lines)


SLOW = "import time\nfor n in range(3):\n    print(n, flush=True)\n    time.sleep(0.7)\n"


@pytest.mark.parametrize("failures", [1, 4, float("inf")])
def test_a_failure_of_the_log_sink_ends_no_run(
    failures: float, process: Callable[..., JobProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glue_process, "_SECONDS_BETWEEN_ATTEMPTS", 0.0)
    logs = FailingLogs(failures)
    job = process(SLOW, logs=logs)
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == 0
    assert job.stdout.read_text() == "0\n1\n2\n"
    if failures < 5:
        assert [line for _group, _stream, line in logs.appended] == ["0", "1", "2"]  # each once
        assert job.stderr.read_text() == ""
    else:
        said = "local endpoint: not all lines are in CloudWatch Logs, stream stream: ConnectionError('no answer')\n"
        assert job.stderr.read_text() == said


def test_many_lines_are_sent_a_thousand_at_a_time(process: Callable[..., JobProcess], logs: Lines) -> None:
    job = process("for n in range(2500): print(n)")
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == 0
    assert [line for _group, _stream, line in logs.appended] == [str(n) for n in range(2500)]


def test_whatever_goes_wrong_ends_the_processes(
    process: Callable[..., JobProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = process("print('started', flush=True); import signal; signal.pause()", 1)
    monkeypatch.setattr(glue_process, "_most_resident_bytes", lambda _pid: 1 / 0)
    job.start()
    with pytest.raises(ZeroDivisionError):
        job.wait(timeout_seconds=SECONDS)
    assert job._process is not None
    assert not alive(job._process.pid)


@pytest.mark.parametrize(("free", "told"), [(0, True), (1024**3, False)])
def test_a_run_that_failed_on_a_full_disk_says_so(
    free: int, told: bool, process: Callable[..., JobProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / glue_process.EXCEPTION_FILE).write_text("")  # which did not fit
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    job = process("raise SystemExit(1)")
    job.start()
    assert job.wait(timeout_seconds=SECONDS) == 1
    full = f" (No space left on device: {tmp_path})" if told else ""
    assert job.error_message(1) == f"Command failed with exit code 1{full}"
