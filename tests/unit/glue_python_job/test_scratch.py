from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from glue_python_job.errors import JobError
from glue_python_job.scratch import RESERVE_BYTES, needed_bytes, scratch_directory
from glue_python_job.sizes import LARGEST_BATCH_BYTES
from glue_python_job.storage import StoredFile

MB = 10**6


def test_the_space_grows_with_the_source_but_for_the_batch() -> None:
    small = needed_bytes([StoredFile("x.csv", 10 * MB)], remote=False)
    assert small == 2 * 10 * MB + 5 * MB + RESERVE_BYTES
    assert needed_bytes([StoredFile("x.csv", 10 * MB)], remote=True) == small + 10 * MB
    large = needed_bytes([StoredFile("x.csv", 4000 * MB)] * 2, remote=False)
    assert large == 3 * LARGEST_BATCH_BYTES + 4000 * MB + RESERVE_BYTES
    # While one file is read, the next one is downloaded.
    files = [StoredFile("x.csv", size * MB) for size in (2, 5, 3)]
    assert needed_bytes(files, remote=True) == needed_bytes(files, remote=False) + 8 * MB


def test_compressed_files_count_for_what_they_hold() -> None:
    for name in ("x.CSV.GZ", "x.json.bz2", "x.csv.zst"):
        assert needed_bytes([StoredFile(name, MB)], False) == needed_bytes([StoredFile("x.csv", 8 * MB)], False)


def test_too_little_space_is_told_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    usage: Any = type("Usage", (), {"free": 10 * MB})()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    expected = pytest.raises(JobError, match=r"has 0\.0 GB free and the source may need 2\.6 GB; .*TMPDIR")
    with expected, scratch_directory([StoredFile("x.csv", 1000 * MB)], remote=False):
        raise AssertionError("it was read")


def test_the_directory_is_deleted_whatever_happens() -> None:
    seen: list[Path] = []
    with pytest.raises(ZeroDivisionError), scratch_directory([], remote=False) as directory:
        seen.append(directory)
        (directory / "x").write_text("x", encoding="utf-8")
        raise ZeroDivisionError
    assert not seen[0].exists()
