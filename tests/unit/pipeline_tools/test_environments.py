from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_tools import environments

ROOT = Path(__file__).parents[3]


def test_what_is_imported_is_compiled_once_and_not_beside_its_source(tmp_path: Path) -> None:
    module = tmp_path / "source" / "imported.py"
    module.parent.mkdir()
    module.write_text("value = 1\n")
    given = environments.variables()
    assert Path(given["PYTHONPYCACHEPREFIX"]).is_relative_to(ROOT / ".nox")
    # As in a container that forbids bytecode.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **given}
    environment |= {"PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode"), "PYTHONPATH": str(module.parent)}
    subprocess.run([sys.executable, "-c", "import imported"], env=environment, check=True)
    assert [path.name.partition(".")[0] for path in (tmp_path / "bytecode").rglob("imported*")] == ["imported"]
    assert list(module.parent.iterdir()) == [module]


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


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a lock, whose uv only writes down what it is asked for."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.lock").write_text("nothing==1")
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(f'#!/bin/sh\nmkdir -p "{tmp_path}/.nox/dev"\necho "$@" >> "{tmp_path}/asked"\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    return tmp_path


def asked(checkout: Path) -> list[str]:
    """What uv was asked for since the last time."""
    place = checkout / "asked"
    lines = place.read_text().splitlines() if place.is_file() else []
    place.unlink(missing_ok=True)
    return lines


def test_the_project_is_installed_once_into_an_environment_of_its_own(checkout: Path) -> None:
    version = "{}.{}".format(*sys.version_info[:2])
    environment = environments.Environment("dev", version, project=True)
    assert environment.ensure() == checkout / ".nox" / "dev" / "bin" / "python"
    made, locked, project = asked(checkout)
    assert made.startswith("venv --clear")
    assert "--require-hashes" in locked
    assert f"--no-deps --build-constraint {checkout}/requirements/build.lock" in project
    assert project.endswith(f"--editable {checkout}")
    environment.ensure()
    assert asked(checkout) == []
    # Another command is another installation; another rule of lint is not.
    pyproject = checkout / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("line-length = 120", "line-length = 121"))
    environment.ensure()
    assert asked(checkout) == []
    pyproject.write_text(pyproject.read_text().replace("[project.scripts]", '[project.scripts]\nother = "pipeline:x"'))
    environment.ensure()
    (project,) = asked(checkout)
    assert "--editable" in project


def test_a_borrowed_environment_keeps_the_project_of_its_owner(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    owner = tmp_path_factory.mktemp("owner")
    (owner / "dev").mkdir()
    shutil.copyfile(checkout / "requirements" / "dev.lock", owner / "dev" / "installed.lock")
    (checkout / ".nox").symlink_to(owner)
    environments.Environment("dev", "3.11", project=True).ensure()
    assert asked(checkout) == []
