"""What a Python shell run may import is decided by pip, with the tags of Glue's Python and Linux."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local_aws.services.glue import libraries as glue_libraries
from local_aws.services.glue.libraries import InstallError, Libraries
from pipeline_tools.environments import find_pip
from pipeline_tools.packaging.package import write_wheel


@pytest.fixture(scope="module")
def pip() -> Path:
    return find_pip()


def wheel(folder: Path, tag: str, *, name: str = "greeting", text: str = "") -> Path:
    """A wheel of one module."""
    folder.mkdir(exist_ok=True)
    made = write_wheel(folder, name, "1.0", {f"{name}.py": text.encode()})
    return made.rename(folder / f"{name}-1.0-{tag}.whl")


def test_wheels_that_fit_glue_can_be_imported(tmp_path: Path, pip: Path) -> None:
    tags = (
        *("py3-none-any", "py2.py3-none-any", "cp39-cp39-manylinux_2_26_x86_64.manylinux_2_28_x86_64"),
        *("cp39-cp39-manylinux2014_x86_64", "cp39-cp39-manylinux_2_17_x86_64", "cp37-abi3-manylinux1_x86_64"),
    )
    wheels = [wheel(tmp_path / "in", tag, name=f"module{number}") for number, tag in enumerate(tags)]
    path = Libraries(tmp_path / "cache", pip).install(wheels)
    program = f"import {', '.join(file.name.partition('-')[0] for file in wheels)}; print('all')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(path)}, capture_output=True, text=True
    )
    assert done.stdout == "all\n", done.stderr


@pytest.mark.parametrize(
    "tag",
    [
        *("cp311-cp311-manylinux_2_17_x86_64", "cp39-cp39-manylinux_2_27_x86_64"),
        *("cp39-cp39-manylinux_2_17_aarch64", "cp39-cp39-musllinux_1_2_x86_64"),
    ],
)
def test_a_wheel_for_another_python_or_linux_is_refused(tmp_path: Path, pip: Path, tag: str) -> None:
    file = wheel(tmp_path / "in", tag)
    with pytest.raises(InstallError, match="is not a supported wheel on this platform"):
        Libraries(tmp_path / "cache", pip).install([file])
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_name_that_is_no_wheels_name_is_refused(tmp_path: Path, pip: Path) -> None:
    file = wheel(tmp_path / "in", "py3-none-any")
    with pytest.raises(InstallError, match="wheel"):
        Libraries(tmp_path / "cache", pip).install([file.rename(file.with_name("39d4e197da3b.whl"))])


@pytest.mark.parametrize("name", ["job.zip", "job.egg", "job.py", "job.tar.gz"])
def test_what_is_no_wheel_is_refused(tmp_path: Path, pip: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("job/__init__.py", "")
    with pytest.raises(InstallError, match=f"{name} cannot be installed: Python shell installs wheels"):
        Libraries(tmp_path / "cache", pip).install([wheel(tmp_path / "in", "py3-none-any"), tmp_path / name])


def test_the_same_files_are_installed_once_and_changed_ones_anew(tmp_path: Path, pip: Path) -> None:
    libraries = Libraries(tmp_path / "cache", pip)
    first = libraries.install([wheel(tmp_path / "one", "py3-none-any")])
    without_pip = Libraries(tmp_path / "cache", tmp_path / "no-such-python")
    assert without_pip.install([wheel(tmp_path / "two", "py3-none-any")]) == first
    assert libraries.install([wheel(tmp_path / "three", "py3-none-any", text="changed = 1")]) != first


def test_another_endpoint_waits_while_one_installs(tmp_path: Path, pip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    def installs(*_arguments: object) -> None:
        with (tmp_path / "cache.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(True)

    monkeypatch.setattr(glue_libraries, "_pip", installs)
    Libraries(tmp_path / "cache", pip).install([], ["one"])
    assert held == [True]
