from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from local_aws.plain_path import is_plain, plain, temporary


@pytest.mark.parametrize(
    "name", ["a b", "a,b", "it's", 'say "a"', "#1", "100%25", "näme", "a[x]", "a{b}", "$HOME", "a;b", "a\\b"]
)
def test_a_directory_with_special_characters_is_reached_by_a_plain_path(name: str, tmp_path: Path) -> None:
    directory = tmp_path / name / "endpoint"
    with plain(directory) as path:
        assert is_plain(path.resolve())
        (path / "new").write_text("written")
        assert (directory / "new").read_text() == "written"
    assert not path.parent.exists()
    assert not directory.is_symlink()
    with plain(directory) as path:
        assert (path / "new").read_text() == "written"
    assert (directory / "new").read_text() == "written"


def test_what_was_done_until_an_error_is_kept(tmp_path: Path) -> None:
    directory = tmp_path / "a b"
    with pytest.raises(RuntimeError), plain(directory) as path:
        (path / "log").write_text("written")
        raise RuntimeError
    assert (directory / "log").read_text() == "written"


def test_a_plain_path_stays_what_it_is(tmp_path: Path) -> None:
    with plain(tmp_path) as path:
        assert path == tmp_path


@pytest.mark.parametrize(("base", "expected"), [("/var/tmp", "/var/tmp"), ("/home/a b/tmp", "/tmp"), ("/a,b", "/tmp")])
def test_temporary_files_are_below_a_plain_path(base: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", base)
    assert temporary() == expected


KILLED = """
import os, signal, sys
from pathlib import Path
from local_aws.plain_path import plain
with plain(Path(sys.argv[1])) as path:
    (path / "written").write_text("by what was killed")
    print(path, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("emptied", [False, True])
def test_what_a_killed_process_left_is_found_and_nothing_stays_elsewhere(emptied: bool, tmp_path: Path) -> None:
    directory = tmp_path / "a b" / "endpoint"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "src")}
    line = [sys.executable, "-c", KILLED, str(directory)]
    killed = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    if emptied:
        shutil.rmtree(directory.parent)
    with plain(directory) as path:
        assert str(path) == killed.stdout.strip()
        assert [each.name for each in path.iterdir()] == ([] if emptied else ["written"])
    assert directory.is_dir()
    assert not directory.is_symlink()
    assert not path.parent.exists()


def test_files_that_were_being_moved_back_are_found(tmp_path: Path) -> None:
    directory = tmp_path / "a b"
    with plain(directory) as path:
        (path / "written").write_text("")
    directory.rename(directory.with_name("a b.moving"))
    with plain(directory) as path:
        assert (path / "written").exists()
    assert [each.name for each in tmp_path.iterdir()] == ["a b"]


def test_a_directory_that_somebody_else_put_there_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with plain(tmp_path / "a b") as path:
        holder = path.parent
    holder.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match=f"{holder} is not this user's directory"), plain(tmp_path / "a b"):
        pass
