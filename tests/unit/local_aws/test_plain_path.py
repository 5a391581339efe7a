from __future__ import annotations

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
