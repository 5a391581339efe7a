"""The project's Python environments: made from hashed locks, shared by all sessions, kept until their lock changes.

Standard library only, since the noxfile imports it before anything is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The bytecode of whatever Python imports; a program starts in less than half the time with it. Not in src/, which it
# would litter, and not made with the environments, of which most is never imported.
BYTECODE = ROOT / ".nox" / "bytecode"


class InterpreterNotFoundError(Exception):
    """No interpreter of the wanted version on this machine."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment below .nox, installed from one lock file.

    Attributes:
        project: the project is installed as well, editable, which brings the command `pipeline`.
    """

    name: str
    python_version: str
    project: bool = False

    @property
    def directory(self) -> Path:
        """Where the environment is installed."""
        return ROOT / ".nox" / self.name

    @property
    def lock(self) -> Path:
        """The lock that it is installed from."""
        return ROOT / "requirements" / f"{self.name}.lock"

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.directory / "bin" / "python"

    def ensure(self) -> Path:
        """Return its interpreter; install first where the lock differs from what was installed.

        Raises:
            InterpreterNotFoundError: no Python of ``python_version`` is on this machine.
            subprocess.CalledProcessError: the installation failed.
        """
        self._install_lock()
        if self.project and _own(self.directory):
            self._install_project()
        return self.python

    def _install_lock(self) -> None:
        installed = self.directory / "installed.lock"
        if installed.is_file() and installed.read_bytes() == self.lock.read_bytes():
            return
        interpreter = find_interpreter(self.python_version)
        print(f"environment {self.name}: installing {self.lock.relative_to(ROOT)}", file=sys.stderr, flush=True)
        _uv("venv", "--clear", "--quiet", "--python", str(interpreter), str(self.directory))
        _uv("pip", "install", "--quiet", "--require-hashes", "--python", str(self.python), "-r", str(self.lock))
        # It is kept by the paths of the files, which are those of the former environment.
        shutil.rmtree(BYTECODE, ignore_errors=True)
        # Last, so that an interrupted installation starts over.
        shutil.copyfile(self.lock, installed)

    def _install_project(self) -> None:
        installed, wanted = self.directory / "installed.project", _metadata()
        if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
            return
        print(f"environment {self.name}: installing the project", file=sys.stderr, flush=True)
        # What builds it has hashes, too; what it depends on is there by the lock.
        build = ("--build-constraint", str(ROOT / "requirements" / "build.lock"))
        _uv("pip", "install", "--quiet", "--no-deps", *build, "--python", str(self.python), "--editable", str(ROOT))
        installed.write_text(wanted, encoding="utf-8")


def _own(directory: Path) -> bool:
    """Whether an environment is this checkout's own, and not one that it borrows from another by a link."""
    return directory.resolve().is_relative_to(ROOT)


def _metadata() -> str:
    """What an editable installation is made of: another checkout, version or command makes another one."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = {"root": str(ROOT), "build": document["build-system"], "project": document["project"]}
    return json.dumps({**parts, "hatch": document["tool"]["hatch"]}, sort_keys=True)


DEV = Environment("dev", "3.11", project=True)
# Of its own: checkov pins boto3 and others.
INFRA = Environment("infra", "3.11")
GLUE_PYTHON_SHELL = Environment("glue-python-shell", "3.9")
# LocalStack needs the syntax of 3.13, whatever its metadata says.
LOCALSTACK = Environment("localstack", "3.13")
MOTO = Environment("moto", "3.11")
# Of its own: it has a newer DuckDB than the jobs.
JUDGE = Environment("judge", "3.11")
# What `nox -s bench` compares with, and its data.
BENCH = Environment("bench", "3.11")


def variables() -> dict[str, str]:
    """What a Python of these environments is given: where the project is, and the bytecode of what it imports."""
    # A variable that is empty counts as none: many containers forbid bytecode.
    return {"PYTHONPATH": str(ROOT / "src"), "PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}


def find_interpreter(version: str) -> Path:
    """Find CPython ``version`` ("3.9"): this one, on PATH, among pyenv's, or among uv's.

    Raises:
        InterpreterNotFoundError: none of them runs and reports that version.
    """
    for candidate in _candidates(version):
        if _reports(candidate, version):
            return candidate
    raise InterpreterNotFoundError(
        f"Python {version} was not found on PATH, among pyenv's versions or uv's; "
        f"install it (uv python install {version})"
    )


def find_pip() -> Path:
    """Find an interpreter, of any version, that has pip: noxw's own, or the one that this environment was made from.

    Raises:
        InterpreterNotFoundError: none has.
    """
    base = Path(getattr(sys, "_base_executable", sys.executable))
    for candidate in (ROOT / ".nox" / "launcher" / "bin" / "python", base):
        try:
            answer = subprocess.run([candidate, "-m", "pip", "--version"], capture_output=True, check=False, timeout=60)
        except OSError:
            continue
        if answer.returncode == 0:
            return candidate
    raise InterpreterNotFoundError(f"pip was not found: {base} has none (python -m ensurepip), nor has .nox/launcher")


def _candidates(version: str) -> list[Path]:
    found = [Path(sys.executable)] if sys.version_info[:2] == tuple(map(int, version.split("."))) else []
    on_path = shutil.which(f"python{version}")
    found += [Path(on_path)] if on_path else []
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    roots.append(Path(os.environ.get("UV_PYTHON_INSTALL_DIR", Path.home() / ".local/share/uv/python")))
    for root in roots:
        found += sorted(root.glob(f"*{version}*/bin/python{version}"), reverse=True)
    return found


def _reports(interpreter: Path, version: str) -> bool:
    # A pyenv shim exists for versions that are not selected and fails when run, so running it is the test.
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def find_uv() -> str:
    """The path of uv: noxw puts its own on PATH; a program that was started without it finds that below .nox."""
    return shutil.which("uv") or str(ROOT / ".nox" / "launcher" / "bin" / "uv")


def _uv(*arguments: str) -> None:
    subprocess.run([find_uv(), *arguments], check=True, cwd=ROOT)
