from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline_tools import claims
from pipeline_tools.claims import ClaimedError, claimed
from pipeline_tools.comparisons import conformance
from pipeline_tools.demo import __main__ as demo
from pipeline_tools.deployment import local
from pipeline_tools.environments import ROOT
from pipeline_tools.plan_review import __main__ as plan

_OWNER = """
import sys
from pathlib import Path
from pipeline_tools.claims import claimed
with claimed(Path(sys.argv[1]), "nox -s local") as directory:
    (directory / "data").write_text("mine")
    print("claimed", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_has(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the directory, with a file in it, until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert process.stdout
    with process:
        assert process.stdout.readline() == "claimed\n"
        yield process


def test_a_second_process_is_refused_and_the_first_keeps_its_files(tmp_path: Path) -> None:
    directory = tmp_path / "build" / "local"
    with another_has(directory) as owner:
        assert claims.held(directory)
        with (
            pytest.raises(ClaimedError, match=rf"build/local is in use by `nox -s local` \(process {owner.pid}\)"),
            claimed(directory, "nox -s local"),
        ):
            pass
        assert (directory / "data").read_text() == "mine"
    assert not claims.held(directory)
    with claimed(directory, "nox -s local") as own:
        assert list(own.iterdir()) == []


def test_the_lock_of_a_killed_process_is_none_and_what_it_left_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "local"
    with another_has(directory) as owner:
        owner.send_signal(signal.SIGKILL)
        assert owner.wait() == -signal.SIGKILL
    assert (directory / "data").exists()
    assert not claims.held(directory)
    run = directory / "endpoint" / "glue" / "local-transform" / "jr_1"
    run.mkdir(parents=True)
    (run / "command.txt").write_text("spark-submit\n")
    with claimed(directory, "nox -s local") as own:
        assert list(own.iterdir()) == []
    assert capsys.readouterr().err == (
        f"`nox -s local` (process {owner.pid}) was ended before it could stop; what it left in {directory} is removed\n"
        "  cut off: run jr_1 of job local-transform\n"
    )
    with pytest.raises(ZeroDivisionError), claimed(directory, "nox -s local"):
        _ = 1 / 0
    with claimed(directory, "nox -s local"):
        assert capsys.readouterr().err == ""  # an error is an end in good order


def test_a_look_at_a_lock_refuses_nobody(tmp_path: Path) -> None:
    directory = tmp_path / "local"
    assert not claims.held(directory)
    with claimed(directory, "first"):
        pass
    with claimed(directory, "second"):
        assert claims.held(directory)


def test_two_directories_are_claimed_side_by_side(tmp_path: Path) -> None:
    with claimed(tmp_path / "local", "nox -s local"), claimed(tmp_path / "demo", "nox -s demo"):
        assert claims.held(tmp_path / "local")
        assert claims.held(tmp_path / "demo")


@pytest.mark.parametrize(
    ("run", "place"),
    [
        (lambda: local.main([]), "local"),
        (lambda: local.main(["--port", "4600"]), "local"),
        (lambda: demo.main([]), "demo"),
        (lambda: plan.main(["local"]), "plan/endpoint"),
        (lambda: conformance.main(["ministack"]), "conformance/ministack"),
    ],
)
def test_each_session_with_an_endpoint_refuses_a_second_one(
    run: Callable[[], int],
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module, name in ((local, "local"), (demo, "demo"), (plan, "plan"), (conformance, "conformance")):
        monkeypatch.setattr(module, "DIRECTORY", tmp_path / name)
    directory = tmp_path / place
    with another_has(directory):
        (directory / "outputs.json").write_text("{}")
        assert run() == 1
        assert sorted(path.name for path in directory.iterdir()) == ["data", "outputs.json"]
    assert f"{directory} is in use by `nox -s local` (process " in capsys.readouterr().err
