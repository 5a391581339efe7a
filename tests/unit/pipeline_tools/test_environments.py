from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipeline_tools import environments

ROOT = Path(__file__).parents[3]


def test_this_interpreter_is_found() -> None:
    found = environments.find_interpreter("{}.{}".format(*sys.version_info[:2]))
    assert found == Path(sys.executable)


def test_an_interpreter_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As pyenv's shims are, for a version that is not selected.
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(environments.InterpreterNotFoundError, match=r"Python 3\.99 was not found on PATH"):
        environments.find_interpreter("3.99")


def test_an_interpreter_among_pyenvs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = tmp_path / "versions" / "3.99.1" / "bin" / "python3.99"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text("#!/bin/sh\necho 3.99\n")
    interpreter.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert environments.find_interpreter("3.99") == interpreter


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda path: path.name)
def test_a_lock_is_hashed_and_names_no_index(lock: Path) -> None:
    lines = lock.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if "==" in line and not line.lstrip().startswith("#")]
    assert pins
    assert all(line.endswith("\\") for line in pins)
    assert not any("://" in line for line in lines)
