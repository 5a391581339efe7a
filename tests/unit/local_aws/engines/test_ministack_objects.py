"""Bodies in files: what a full disk cut off is not kept."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.engines.ministack_objects import ObjectFiles

LARGEST = 256 * 1024


@pytest.fixture
def small_files() -> Iterator[None]:
    """Not a full disk, which only root can make, but an error in the middle of a file as well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
def test_a_body_that_does_not_fit_leaves_no_file(tmp_path: Path) -> None:
    files = ObjectFiles(tmp_path / "s3")
    kept = files.stored(b"x" * LARGEST)
    with pytest.raises(OSError) as failed:
        files.stored(b"x" * (LARGEST + 1))
    assert failed.value.errno == errno.EFBIG
    assert len(list((tmp_path / "s3").iterdir())) == 1
    assert kept.mapped()[:] == b"x" * LARGEST
