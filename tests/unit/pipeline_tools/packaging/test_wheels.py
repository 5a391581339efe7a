"""The wheels that are deployed are those of the lock, by their hashes, and are fetched once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aws_facts import glue
from pipeline_tools.environments import GLUE_PYTHON_SHELL
from pipeline_tools.packaging import wheels


def lock_of(folder: Path, **contents: bytes) -> Path:
    lines = [
        f"{name}==1.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{hashlib.sha256(data).hexdigest()}"
        for name, data in contents.items()
    ]
    lock = folder / "some.lock"
    lock.write_text("# made by\n" + "\n".join(lines) + "\n")
    return lock


def test_wheels_that_are_here_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "find_pip", lambda: pytest.fail("pip was asked"))
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in ("b", "a", "other"):
        (cache / f"{name}-1.0-py3-none-any.whl").write_bytes(name.encode())
    found = wheels.ensure(lock_of(tmp_path, b=b"b", a=b"a"), cache)
    assert [file.name for file in found] == ["a-1.0-py3-none-any.whl", "b-1.0-py3-none-any.whl"]


def test_a_wheel_with_another_hash_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(wheels, "_download", lambda *places: asked.append(places[0]))
    (tmp_path / "a-1.0-py3-none-any.whl").write_bytes(b"changed")
    with pytest.raises(wheels.WheelsError, match=r"no wheel of a==1\.0 that some\.lock names"):
        wheels.ensure(lock_of(tmp_path, a=b"a"), tmp_path)
    assert len(asked) == 1


def test_what_pip_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        wheels.WheelsError, match=r"(?s)some\.lock .* No matching distribution found for nothing-like-it==1\.0"
    ):
        wheels.ensure(lock_of(tmp_path, **{"nothing-like-it": b""}), tmp_path / "cache")


def test_the_jobs_lock_has_the_versions_that_the_tests_have() -> None:
    tested = GLUE_PYTHON_SHELL.lock.read_text(encoding="utf-8").splitlines()
    older = {line.split(" ")[0] for line in tested if "==" in line and "python_full_version >= '3.10'" not in line}
    deployed = set(wheels.pinned(wheels.LOCK.read_text(encoding="utf-8")))
    assert {name.partition("==")[0] for name in deployed} >= {"duckdb", "boto3", "botocore", "zstandard"}
    assert deployed <= older
    assert GLUE_PYTHON_SHELL.python_version == glue.PYTHON_SHELL_PYTHON
