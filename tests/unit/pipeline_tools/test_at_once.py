"""Commands at the same time: each is run to its end, its lines are whole, and who fails is told."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws import processes
from pipeline_tools import at_once
from pipeline_tools.at_once import NamedCommand
from pipeline_tools.environments import ROOT
from tests.waiting import SECONDS

# Waits until the other one has made its file, so the two only end when they run at the same time.
MEETS = """
import pathlib, sys, time
mine, other = map(pathlib.Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.01)
"""
PUTS_AWAY = """
import signal
try:
    print("up", flush=True)
    signal.pause()
finally:
    print("put away", flush=True)
"""
INTERRUPTED = """
import sys
from pipeline_tools import at_once
at_once.run([at_once.NamedCommand(name, [sys.executable, "-c", sys.argv[1]]) for name in ("a", "b")])
"""


def python(name: str, program: str, *arguments: str, **options: int) -> NamedCommand:
    return NamedCommand(name, [sys.executable, "-c", program, *arguments], **options)  # type: ignore[arg-type]


def test_all_run_at_the_same_time(tmp_path: Path) -> None:
    one, other = str(tmp_path / "one"), str(tmp_path / "other")
    results = at_once.run([python("a", MEETS, one, other), python("b", MEETS, other, one)], io.StringIO())
    assert [(result.name, result.code) for result in results] == [("a", 0), ("b", 0)]


def test_a_failure_is_told_and_the_others_go_on() -> None:
    out = io.StringIO()
    commands = [
        python("fails", "raise SystemExit(3)"),
        python("is killed", "import os; os.kill(os.getpid(), 9)"),
        python("works", "import sys; print('one'); print('two', file=sys.stderr, end='')"),
    ]
    results = at_once.run(commands, out)
    assert [(result.name, result.code) for result in results] == [("fails", 3), ("is killed", -9), ("works", 0)]
    lines = out.getvalue().splitlines()
    assert {"works     | one", "works     | two"} <= set(lines)
    assert any(line.startswith("fails     | ended with exit code 3 after ") for line in lines)


def test_an_environment_and_a_niceness_are_of_one_command_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_ALL", "1")
    program = "import os; print(os.environ['OF_ALL'], os.environ.get('OF_ONE'), os.nice(0))"
    out = io.StringIO()
    one = NamedCommand("one", [sys.executable, "-c", program], {"OF_ONE": "2"}, niceness=1)
    at_once.run([one, python("other", program)], out)
    own = os.nice(0)
    assert {f"one   | 1 2 {min(own + 1, 19)}", f"other | 1 None {own}"} <= set(out.getvalue().splitlines())


def test_a_program_that_is_not_there_ends_the_others(tmp_path: Path) -> None:
    mark = {"AT_ONCE_TEST": str(tmp_path)}
    waits = NamedCommand("waits", [sys.executable, "-c", PUTS_AWAY], mark)
    with pytest.raises(FileNotFoundError):
        at_once.run([waits, NamedCommand("none", [str(tmp_path / "none")])], io.StringIO())
    assert processes.with_variable(*mark.popitem()) == set()


def test_an_interrupt_waits_until_all_have_put_away() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    line = [sys.executable, "-c", INTERRUPTED, PUTS_AWAY]
    with subprocess.Popen(
        line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        assert {process.stdout.readline() for _ in "ab"} == {"a | up\n", "b | up\n"}
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, error = process.communicate(timeout=SECONDS)
    assert {"a | put away", "b | put away"} <= set(said.splitlines())
    assert "KeyboardInterrupt" in error
