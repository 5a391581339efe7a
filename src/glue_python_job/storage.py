"""Where files are: S3 (`s3://bucket/key`) or the local file system (an absolute path or `file:///path`).

boto3 is imported only when an s3:// URI is met: a local run needs none, and importing it takes 0.3 s.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dataset_contract.places import bucket_and_key
from glue_python_job.errors import JobError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class StorageError(JobError):
    """A file cannot be read or written; the message names its URI."""


@dataclass(frozen=True)
class StoredFile:
    """A file as it was listed: size in bytes, and a tag that changes with its content (None: not known)."""

    uri: str
    size: int
    tag: str | None = None


class Storage(Protocol):
    """What the job needs of a place for files. Directories are URIs that end with a slash."""

    remote: bool

    def list_files(self, uri: str) -> list[StoredFile]:
        """The file, or all files below the directory, sorted by URI; hidden names are left out."""

    def open_local(self, file: StoredFile, scratch: Path) -> Path:
        """A local file with the content; a copy in `scratch` when remote."""

    def read_text(self, uri: str) -> str | None:
        """The content, or None when there is no such file."""

    def write_text(self, uri: str, text: str) -> None:
        """Replace the file in one step."""

    def write_new_text(self, uri: str, text: str) -> bool:
        """Write the file in one step unless there is one; whether it was written. Of several writers one succeeds."""

    def publish(self, path: Path, uri: str) -> None:
        """Bring a local file to the URI; the local file may be gone afterwards."""

    def empty(self, uri: str, but: str | None = None) -> int:
        """Delete every file below the directory, but those below another one in it; the number deleted."""

    def delete(self, uri: str) -> None:
        """Delete the file, if it is there."""


class Stores:
    """Both places, with one S3 client between all URIs."""

    def __init__(self) -> None:
        self._local = LocalStorage()
        self._s3 = S3Storage()

    def of(self, uri: str) -> Storage:
        """The storage that a URI belongs to."""
        return self._s3 if uri.startswith("s3://") else self._local


@contextmanager
def local_copy(storage: Storage, file: StoredFile, scratch: Path) -> Iterator[Path]:
    """A local file with the content of `file`; a downloaded copy is deleted at the end."""
    path = storage.open_local(file, scratch)
    try:
        yield path
    finally:
        if storage.remote:
            path.unlink()


def _hidden(name: str) -> bool:
    """Whether a file is not data: named so that readers pass over it, or Hadoop's marker of a directory."""
    return name.endswith("_$folder$") or any(part.startswith(("_", ".")) for part in name.split("/"))


class LocalStorage:
    """Files on this machine."""

    remote = False

    def list_files(self, uri: str) -> list[StoredFile]:
        """As `Storage.list_files`."""
        root = _path(uri)
        with _local_errors("read", uri):
            if root.is_file():
                return [StoredFile(str(root), root.stat().st_size, _tag(root))]
            if not root.is_dir():
                return []
            found = [path for path in root.rglob("*") if path.is_file()]
            shown = [path for path in found if not _hidden(path.relative_to(root).as_posix())]
            files = [StoredFile(str(path), path.stat().st_size, _tag(path)) for path in shown]
        return sorted(files, key=lambda file: file.uri)

    def open_local(self, file: StoredFile, scratch: Path) -> Path:  # noqa: ARG002 - nothing is copied
        """As `Storage.open_local`; nothing is copied."""
        path = _path(file.uri)
        with _local_errors("read", file.uri), path.open("rb"):
            if _tag(path) != file.tag:
                raise StorageError(f"{file.uri} changed while the job ran; start the job again")
        return path

    def read_text(self, uri: str) -> str | None:
        """As `Storage.read_text`."""
        path = _path(uri)
        with _local_errors("read", uri):
            return path.read_text(encoding="utf-8") if path.exists() else None

    def write_text(self, uri: str, text: str) -> None:
        """As `Storage.write_text`."""
        path = _path(uri)
        with _local_errors("write", uri):
            path.parent.mkdir(parents=True, exist_ok=True)
            _partial(path, text).replace(path)

    def write_new_text(self, uri: str, text: str) -> bool:
        """As `Storage.write_new_text`."""
        path = _path(uri)
        with _local_errors("write", uri):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = _partial(path, text)
            try:
                os.link(partial, path)
            except FileExistsError:
                return False
            finally:
                partial.unlink()
        return True

    def publish(self, path: Path, uri: str) -> None:
        """As `Storage.publish`."""
        target = _path(uri)
        with _local_errors("write", uri):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(str(path), str(target))

    def empty(self, uri: str, but: str | None = None) -> int:
        """As `Storage.empty`."""
        root, kept = _path(uri), _path(but) if but else None
        with _local_errors("empty", uri):
            if root.exists() and not root.is_dir():
                raise StorageError(f"{uri} is a file; name a directory")
            files = [path for path in root.rglob("*") if not path.is_dir() or path.is_symlink()]
            files = [path for path in files if kept not in path.parents]
            for path in files:
                path.unlink()
        return len(files)

    def delete(self, uri: str) -> None:
        """As `Storage.delete`."""
        with _local_errors("delete", uri):
            _path(uri).unlink(missing_ok=True)


def _path(uri: str) -> Path:
    return Path(uri[len("file://") :] if uri.startswith("file://") else uri)


def _partial(path: Path, text: str) -> Path:
    """A file beside `path` with the text, under a name that no other writer has."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    partial.write_text(text, encoding="utf-8")
    return partial


def _tag(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}"


@contextmanager
def _local_errors(action: str, uri: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot {action} {uri}: {error}") from error


class S3Storage:
    """S3 through boto3, which takes region, credentials and AWS_ENDPOINT_URL from the environment."""

    remote = True

    def __init__(self, client: S3Client | None = None) -> None:
        self._made = client
        self._downloads = 0

    def _client(self) -> S3Client:
        if self._made is None:
            import boto3

            self._made = boto3.client("s3")
        return self._made

    def list_files(self, uri: str) -> list[StoredFile]:
        """As `Storage.list_files`."""
        bucket, key = bucket_and_key(uri)
        with _s3_errors("list", uri):
            if key and not key.endswith("/"):
                single = self._head(bucket, key)
                if single is not None:
                    return [single]
                key += "/"
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
            objects = [item for page in pages for item in page.get("Contents", [])]
        shown = [item for item in objects if not item["Key"].endswith("/") and not _hidden(item["Key"][len(key) :])]
        files = [StoredFile(f"s3://{bucket}/{item['Key']}", item["Size"], item["ETag"]) for item in shown]
        return sorted(files, key=lambda file: file.uri)

    def _head(self, bucket: str, key: str) -> StoredFile | None:
        from botocore.exceptions import ClientError

        try:
            head = self._client().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            # S3 answers 403 for a missing key when the caller may not list; the listing that follows tells.
            if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound", "403"):
                return None
            raise
        return StoredFile(f"s3://{bucket}/{key}", head["ContentLength"], head["ETag"])

    def open_local(self, file: StoredFile, scratch: Path) -> Path:
        """As `Storage.open_local`."""
        bucket, key = bucket_and_key(file.uri)
        self._downloads += 1
        path = scratch / f"download-{self._downloads:05d}"
        with _s3_errors("read", file.uri):
            # The object that was listed, or none: rows must not come from two versions of a file.
            self._client().head_object(Bucket=bucket, Key=key, IfMatch=file.tag or "*")
            self._client().download_file(bucket, key, str(path))
        if path.stat().st_size != file.size:
            raise StorageError(f"{file.uri} changed while the job ran; start the job again")
        return path

    def read_text(self, uri: str) -> str | None:
        """As `Storage.read_text`."""
        from botocore.exceptions import ClientError

        bucket, key = bucket_and_key(uri)
        with _s3_errors("read", uri):
            try:
                return self._client().get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "NoSuchKey":
                    return None
                raise

    def write_text(self, uri: str, text: str) -> None:
        """As `Storage.write_text`."""
        bucket, key = bucket_and_key(uri)
        with _s3_errors("write", uri):
            self._client().put_object(Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType=_TEXT)

    def write_new_text(self, uri: str, text: str) -> bool:
        """As `Storage.write_new_text`."""
        from botocore.exceptions import ClientError

        bucket, key = bucket_and_key(uri)
        with _s3_errors("write", uri):
            try:
                self._client().put_object(
                    Bucket=bucket, Key=key, Body=text.encode("utf-8"), ContentType=_TEXT, IfNoneMatch="*"
                )
            except ClientError as error:
                # 409: another writer was at it at the same moment, and may have failed; so who asks has to look.
                if error.response.get("Error", {}).get("Code") in ("PreconditionFailed", "ConditionalRequestConflict"):
                    return False
                raise
        return True

    def publish(self, path: Path, uri: str) -> None:
        """As `Storage.publish`."""
        bucket, key = bucket_and_key(uri)
        with _s3_errors("write", uri):
            self._client().upload_file(str(path), bucket, key)
        path.unlink()

    def empty(self, uri: str, but: str | None = None) -> int:
        """As `Storage.empty`."""
        bucket, key = bucket_and_key(uri)
        kept = bucket_and_key(but)[1] if but else None
        deleted = 0
        with _s3_errors("empty", uri):
            for page in self._client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
                keys = [item["Key"] for item in page.get("Contents", [])]
                keys = [name for name in keys if kept is None or not name.startswith(kept)]
                if not keys:
                    continue
                answer = self._client().delete_objects(
                    Bucket=bucket, Delete={"Objects": [{"Key": name} for name in keys], "Quiet": True}
                )
                for failed in answer.get("Errors", []):
                    raise StorageError(f"cannot delete s3://{bucket}/{failed.get('Key')}: {failed.get('Message')}")
                deleted += len(keys)
        return deleted

    def delete(self, uri: str) -> None:
        """As `Storage.delete`."""
        bucket, key = bucket_and_key(uri)
        with _s3_errors("delete", uri):
            self._client().delete_object(Bucket=bucket, Key=key)


_TEXT = "application/json; charset=utf-8"
_ADVICE = {
    "NoSuchBucket": "the bucket does not exist; check its name",
    "NoSuchKey": "the object does not exist; check its name",
    "404": "the bucket or object does not exist; check its name",
    "403": "access is denied; the role of the job needs s3:GetObject there and the use of the bucket's KMS key",
    "412": "it changed while the job ran; start the job again",
    "PreconditionFailed": "it changed while the job ran; start the job again",
}


@contextmanager
def _s3_errors(action: str, uri: str) -> Iterator[None]:
    """The errors of botocore, translated in one place."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        # AWS's text for AccessDenied names the action and why it is refused; only a HEAD request has none.
        advice = _ADVICE.get(str(details.get("Code")), f"{details.get('Code')}: {details.get('Message')}")
        raise StorageError(f"cannot {action} {uri}: {advice}") from error
    except (BotoCoreError, Boto3Error, UnicodeDecodeError) as error:
        raise StorageError(f"cannot {action} {uri}: {error}") from error
