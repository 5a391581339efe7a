"""Bodies in files: what a full disk cut off is not kept."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.engines.ministack.s3_objects import ObjectFiles

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


# In a process of its own, since MiniStack is changed for good.
WRITES = """
import json, resource, sys
from pathlib import Path
from local_aws.engines.ministack.s3_objects import keep_objects_in
from ministack.services import s3
keep_objects_in(Path(sys.argv[1]))
s3._create_bucket("bucket", b"", {})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
s3._put_object("bucket", "kept", b"before", {})
answers = [s3._put_object("bucket", key, b"x" * 200_000, {}) for key in ("kept", "new")]
objects = s3._ensure_bucket("bucket")["objects"]
there = {key: record["body"].decode() for key, record in objects.items()}
print(json.dumps([[status, body.decode()] for status, _headers, body in answers] + [there]))
"""


def test_an_upload_that_does_not_fit_fails_by_name_and_what_was_there_stays(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[5] / "src")}
    line = [sys.executable, "-c", WRITES, str(tmp_path / "s3")]
    done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    *answers, there = json.loads(done.stdout)
    assert there == {"kept": "before"}
    for status, body in answers:
        assert status == 500
        assert "<Code>InternalError</Code>" in body
        assert "File too large" in body
