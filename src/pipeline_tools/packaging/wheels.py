"""The wheels of what the Python shell job imports, as its lock names them: fetched once, and known by their hashes.

They are deployed with the job, so that a run asks no package index: docs/decisions/0009-wheels-are-deployed.md.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from aws_facts import glue
from pipeline_tools.environments import ROOT, InterpreterNotFoundError, find_pip

LOCK = ROOT / "requirements" / "glue-python-job.lock"
CACHE = ROOT / ".nox" / "wheels"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\]+)((?:\s*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)


class WheelsError(RuntimeError):
    """The wheels are not here and could not be fetched; the message says what pip said."""


def ensure(lock: Path = LOCK, cache: Path = CACHE) -> list[Path]:
    """The wheels of a lock, sorted by name; those that the cache lacks are fetched by pip, with their hashes checked.

    Raises:
        WheelsError: they could not be fetched.
    """
    wanted = pinned(lock.read_text(encoding="utf-8"))
    found = _in_cache(wanted, cache)
    if found.keys() != wanted.keys():
        _download(lock, cache)
        found = _in_cache(wanted, cache)
    if missing := sorted(wanted.keys() - found.keys()):
        raise WheelsError(f"pip fetched no wheel of {', '.join(missing)} that {lock.name} names")
    return sorted(found.values())


def pinned(text: str) -> dict[str, frozenset[str]]:
    """The hashes that a lock accepts, by `name==version`."""
    return {
        f"{match[1]}=={match[2]}": frozenset(re.findall(r"sha256:(\w+)", match[3])) for match in _PINNED.finditer(text)
    }


def _in_cache(wanted: Mapping[str, frozenset[str]], cache: Path) -> dict[str, Path]:
    hashes = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in sorted(cache.glob("*.whl"))}
    return {name: hashes[digest] for name, accepted in wanted.items() for digest in accepted if digest in hashes}


def _download(lock: Path, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    try:
        line = [str(find_pip()), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    except InterpreterNotFoundError as error:
        raise WheelsError(str(error)) from error
    line += ["--no-deps", "--require-hashes", f"--requirement={lock}", f"--dest={cache}", *glue.pip_options()]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise WheelsError(f"pip could not fetch the wheels of {lock.name} (they are kept in {cache}): {said}")
