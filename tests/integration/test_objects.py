"""Objects of some size in the endpoint's S3: each way to write, read and remove them, and what they take of disk."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from glue_python_job.storage import S3Storage
from pipeline.clients import Clients
from pipeline_tools.endpoint import LocalEndpoint

BODY = os.urandom(6 * 1024 * 1024)
OTHER = os.urandom(1024 * 1024)
PARTS = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
BUCKET = "objects-of-some-size"


@pytest.fixture
def s3(endpoint: LocalEndpoint) -> Iterator[Any]:
    client = Clients(endpoint.endpoint_url, endpoint.region).get("s3")
    client.create_bucket(Bucket=BUCKET)
    yield client
    found = client.list_object_versions(Bucket=BUCKET)
    for item in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        client.delete_object(Bucket=BUCKET, Key=item["Key"], VersionId=item["VersionId"])
    client.delete_bucket(Bucket=BUCKET)


def read(s3: Any, key: str, **more: str) -> bytes:
    body: bytes = s3.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()
    return body


def put(s3: Any, key: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=BODY)


def upload(s3: Any, key: str) -> None:
    s3.upload_fileobj(io.BytesIO(BODY), BUCKET, key, Config=PARTS)


def copy(s3: Any, key: str) -> None:
    put(s3, "source")
    s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": "source"}, ChecksumAlgorithm="CRC32")
    s3.delete_object(Bucket=BUCKET, Key="source")


def copy_parts(s3: Any, key: str) -> None:
    put(s3, "source")
    s3.copy({"Bucket": BUCKET, "Key": "source"}, BUCKET, key, Config=PARTS)
    s3.delete_object(Bucket=BUCKET, Key="source")


@pytest.mark.parametrize("write", [put, upload, copy, copy_parts])
def test_what_was_written_is_read_whole_and_in_ranges(s3: Any, write: Callable[[Any, str], None]) -> None:
    write(s3, "a/b")
    assert read(s3, "a/b") == BODY
    assert read(s3, "a/b", Range="bytes=100-199") == BODY[100:200]
    assert read(s3, "a/b", Range="bytes=-10") == BODY[-10:]
    target = io.BytesIO()
    s3.download_fileobj(BUCKET, "a/b", target, Config=PARTS)
    assert target.getvalue() == BODY
    s3.put_object(Bucket=BUCKET, Key="a/b", Body=OTHER)
    assert read(s3, "a/b") == OTHER


def tagged(s3: Any, **more: Any) -> None:
    s3.put_object(Bucket=BUCKET, Key="key", Body=OTHER, **more)


def tagged_in_parts(s3: Any, **more: Any) -> None:
    s3.upload_fileobj(io.BytesIO(BODY), BUCKET, "key", Config=PARTS, ExtraArgs=more)


@pytest.mark.parametrize("write", [tagged, tagged_in_parts])
@pytest.mark.parametrize("versions", [False, True])
def test_an_object_has_the_tags_that_it_was_written_with(s3: Any, write: Callable[..., None], versions: bool) -> None:
    if versions:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    write(s3, Tagging="a=1&b=x%20y")
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="key")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"a": "1", "b": "x y"}


def test_versions_keep_their_bodies(s3: Any) -> None:
    put(s3, "key")  # before there are versions
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    second = s3.put_object(Bucket=BUCKET, Key="key", Body=OTHER)["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key="key")
    assert read(s3, "key", VersionId="null") == BODY
    assert read(s3, "key", VersionId=second) == OTHER
    for item in s3.list_object_versions(Bucket=BUCKET)["DeleteMarkers"]:
        s3.delete_object(Bucket=BUCKET, Key="key", VersionId=item["VersionId"])
    s3.delete_object(Bucket=BUCKET, Key="key", VersionId=second)
    assert read(s3, "key") == BODY


def test_a_body_is_a_file_for_as_long_as_something_has_it(s3: Any, endpoint: LocalEndpoint) -> None:
    if endpoint.engine != "ministack" or not endpoint.alive():
        # LocalStack's are temporary files without a name, so there is nothing to see.
        return

    def size() -> int:
        return sum(file.stat().st_size for file in (endpoint.workdir / "s3").iterdir())

    before = size()
    put(s3, "one")
    upload(s3, "two")
    assert size() - before == 2 * len(BODY)
    s3.copy_object(Bucket=BUCKET, Key="three", CopySource={"Bucket": BUCKET, "Key": "one"})
    s3.put_object(Bucket=BUCKET, Key="one", Body=OTHER)
    assert size() - before == 2 * len(BODY) + len(OTHER)  # "three" has what was that of "one"
    upload_id = s3.create_multipart_upload(Bucket=BUCKET, Key="four")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="four", UploadId=upload_id, PartNumber=1, Body=BODY)
    assert size() - before == 3 * len(BODY) + len(OTHER)
    s3.abort_multipart_upload(Bucket=BUCKET, Key="four", UploadId=upload_id)
    for key in ("one", "two", "three"):
        s3.delete_object(Bucket=BUCKET, Key=key)
    assert size() == before


def test_of_several_writers_of_a_new_text_one_succeeds(s3: Any) -> None:
    storage, uri = S3Storage(s3), f"s3://{BUCKET}/runs/1/m.json"
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: storage.write_new_text(uri, f"{number}" * 10_000), range(8)))
    assert sorted(written) == [False] * 7 + [True]
    assert storage.read_text(uri) == f"{written.index(True)}" * 10_000
    storage.delete(uri)
    assert storage.write_new_text(uri, "again")


def test_a_prefix_is_emptied_but_for_another_one_in_it(s3: Any) -> None:
    for name in ("a/1", "a/own/2", "a/own/deep/3", "a/own-2/4", "b/5"):
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    assert S3Storage(s3).empty(f"s3://{BUCKET}/a/", but=f"s3://{BUCKET}/a/own/") == 2
    left = [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert left == ["a/own/2", "a/own/deep/3", "b/5"]
