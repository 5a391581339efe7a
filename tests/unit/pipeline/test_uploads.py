from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import uploads
from pipeline.clients import Clients
from pipeline.errors import UsageError
from pipeline.stacks import Stack


def test_files_keep_their_path_below_a_directory_that_is_named(tmp_path: Path) -> None:
    for name in ("data/2026/a.csv", "data/b.csv", "data/_READY", "data/.hidden/c.csv", "alone.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("12345")
    found = uploads.files([tmp_path / "data", tmp_path / "alone.csv"])
    assert [(file.name, file.size) for file in found] == [("2026/a.csv", 5), ("b.csv", 5), ("alone.csv", 5)]


def test_what_gives_no_file_or_one_name_twice_is_refused(tmp_path: Path) -> None:
    for name in ("one/a.csv", "two/a.csv", "none/_READY"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for paths, said in (
        (["nothing"], "nothing' is not there"),
        (["none"], "none' gives no file"),
        (["one", "two"], r"two/a.csv' has the name of '.*one/a.csv'"),
    ):
        with pytest.raises(UsageError, match=said):
            uploads.files([tmp_path / name for name in paths])


def test_what_is_no_regular_file_or_has_an_unreadable_name_is_refused(tmp_path: Path) -> None:
    for name in ("pipes", "links", "names"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").touch()
    os.mkfifo(tmp_path / "pipes" / "b.csv")
    os.mkfifo(tmp_path / "pipes" / "_ready")  # is left out, as a file would be
    (tmp_path / "links" / "b.csv").symlink_to("nothing")
    (tmp_path / "names" / "x\udcff.csv").touch()
    for given, said in (
        ("pipes", r"pipes/b.csv' is no regular file; accepted: files and directories"),
        ("pipes/b.csv", r"pipes/b.csv' is no regular file"),
        ("links", r"links/b.csv' is no regular file"),
        ("names", r"names/x\\udcff.csv' has a name that is not UTF-8"),
    ):
        with pytest.raises(UsageError, match=said):
            uploads.files([tmp_path / given])


def test_a_pipe_of_the_shell_is_refused_by_name() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(UsageError, match=f"--upload '/dev/fd/{reader}' is no regular file"):
            uploads.files([Path(f"/dev/fd/{reader}")])
    finally:
        os.close(reader)
        os.close(writer)


def test_each_upload_has_a_folder_of_its_own_in_the_raw_bucket() -> None:
    stack = Stack(Clients(), {"raw_bucket": "raw"}, Path())
    folders = {uploads.folder(stack, "orders") for _ in range(5)}
    assert len(folders) == 5
    assert all(folder.startswith("s3://raw/uploads/orders/2") and folder.endswith("/") for folder in folders)
