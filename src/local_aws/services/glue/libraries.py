"""What a Python shell run can import: the wheels that it names, installed by pip as Glue does, and nothing else.

https://docs.aws.amazon.com/glue/latest/dg/add-job-python.html
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from aws_facts import glue

_SECONDS: Final = 300.0


class InstallError(Exception):
    """A library cannot be installed. lines: what Glue would have in the run's log of errors."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines[-1] if lines else "pip failed")
        self.lines = list(lines)


@dataclass(frozen=True)
class Libraries:
    """Installs wheels, each set of them once.

    Attributes:
        cache: where they are installed, by their names and contents; endpoints may share it.
        pip: an interpreter, of any version, that has pip.
        python: an interpreter of Glue's version, on Glue's kind of Linux, with boto3 in its environment. None: there is
            none here, so that what is installed may not run, and jobs run in an environment that has the same.
    """

    cache: Path
    pip: Path = Path(sys.executable)
    python: Path | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def install(self, files: Sequence[Path], names: Sequence[str] = ()) -> Path:
        """Return the directory that has what the files hold, and what pip finds by name (there is no index here).

        Raises:
            InstallError: a file is not a wheel, or none for Glue's Python and Linux.
        """
        if refused := [file.name for file in files if file.suffix != ".whl"]:
            said = "Python shell installs wheels, and imports from nothing else"
            raise InstallError([f"ERROR: {', '.join(refused)} cannot be installed: {said}"])
        target = self.cache / _key(files, names)
        with self._alone():  # two runs that begin at once need the same
            if not target.is_dir():
                self._install([*map(str, files), *names], target)
        return target

    def interpreter(self) -> Path | None:
        """Glue's Python without any library but its own, or None where there is none here."""
        if self.python is None:
            return None
        directory = self.cache / f"python-{hashlib.sha256(str(self.python).encode()).hexdigest()[:16]}"
        made = directory / "bin" / "python"
        with self._alone():
            if not made.exists():
                line = [str(self.python), "-m", "venv", "--without-pip", str(directory)]
                subprocess.run(line, capture_output=True, check=True, timeout=_SECONDS)
        return made

    def analytics(self) -> Path:
        """The directory that stands for Glue's own set of libraries: what of it the environment of `python` has."""
        assert self.python is not None
        directory = self.cache / f"analytics-{hashlib.sha256(str(self.python).encode()).hexdigest()[:16]}"
        program = "import sysconfig; print(sysconfig.get_path('purelib'))"
        with self._alone():
            if not directory.is_dir():
                line = [str(self.python), "-c", program]
                done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=_SECONDS)
                directory.mkdir(parents=True)
                for name in glue.ANALYTICS_HERE:
                    if (module := Path(done.stdout.strip()) / name).exists():
                        (directory / name).symlink_to(module)
        return directory

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other thread, and no other endpoint that has the same cache."""
        with self._lock:
            self.cache.mkdir(parents=True, exist_ok=True)
            with self.cache.with_name(f"{self.cache.name}.lock").open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield

    def _install(self, wanted: Sequence[str], target: Path) -> None:
        new = Path(tempfile.mkdtemp(prefix="new-", dir=self.cache))
        try:
            _pip(self.pip, wanted, new)
            new.rename(target)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def _pip(python: Path, wanted: Sequence[str], target: Path) -> None:
    """Let pip decide what fits, by Glue's tags: this machine's Linux may be newer, and its Python another."""
    line = [str(python), "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    line += ["--no-index", "--no-deps", "--root-user-action=ignore", f"--target={target}"]
    line += ["--no-compile", *glue.pip_options(), *wanted]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=_SECONDS)
    if done.returncode:
        raise InstallError([line for line in (done.stderr or done.stdout).splitlines() if line.strip()])


def _key(files: Sequence[Path], names: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(sorted(names)).encode())
    for file in sorted(files, key=lambda file: file.name):
        found = file.stat()
        digest.update(file.name.encode() + b"\0" + _digest(file, found.st_mtime_ns, found.st_size))
    return digest.hexdigest()[:32]


@lru_cache(maxsize=1_000)
def _digest(file: Path, _changed: int, _size: int) -> bytes:
    """The hash of a file's content, computed once per change: every run names 40 MB."""
    return hashlib.sha256(file.read_bytes()).digest()
