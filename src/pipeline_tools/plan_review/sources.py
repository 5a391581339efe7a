"""What a saved plan was made from, so that it is applied to nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from pipeline_tools.packaging.package import version
from pipeline_tools.terraform import Deployment

# Of no consequence for a plan, or of Terraform's own making.
_LEFT_OUT = ("tests", "bootstrap", ".terraform")


def file(directory: Path, environment: str) -> Path:
    """Where what a plan was made from is noted."""
    return directory / f"{environment}.sources.json"


def note(deployment: Deployment, saved: Path) -> None:
    """Note what a plan that was just saved was made from."""
    described = {**_sources(deployment), "plan": _digest(saved)}
    file(saved.parent, deployment.environment).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def changes(deployment: Deployment, saved: Path) -> list[str]:
    """What is no longer as it was when the plan was saved; empty where the plan is of today's sources."""
    try:
        noted = json.loads(file(saved.parent, deployment.environment).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ["nothing says what it was made from"]
    now = {**_sources(deployment), "plan": _digest(saved)}
    what = {
        "package": "the package (src/ or sql/) is another one",
        "infra": "infra/ was changed",
        "plan": f"{saved.name} is another file",
    }
    return [text for name, text in what.items() if noted.get(name) != now[name]]


def _sources(deployment: Deployment) -> dict[str, str]:
    package = json.loads((deployment.package_directory / "package.json").read_text(encoding="utf-8"))
    files = {path.relative_to(deployment.configuration).as_posix(): path for path in _files(deployment.configuration)}
    return {
        "package": package["code_version"],
        "infra": version({name: path.read_bytes() for name, path in files.items()}),
    }


def _files(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.name in _LEFT_OUT or ".tfstate" in path.name:
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
