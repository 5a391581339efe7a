"""Moves data between S3 and PostgreSQL for COPY and UNLOAD: which objects, by whose leave, and back."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.services.redshift import copy_load, unload_write
from local_aws.services.redshift.copy_statement import CopyStatement, s3_location
from local_aws.services.redshift.model import SentStatement
from local_aws.services.redshift.sqlerror import SqlError
from local_aws.services.redshift.unload_statement import UnloadStatement

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_HIDDEN_STARTS = ("_", ".", "#")
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Entry:
    """An object that COPY reads.

    Attributes:
        length: its size in bytes as a manifest says it.
    """

    url: str
    mandatory: bool
    length: int | None = None


@dataclass(frozen=True)
class FileMover:
    """COPY and UNLOAD over ``s3_client``, which is asked for the ARN of the role that they use.

    ``account_id`` and ``region`` name the database user in errors.
    """

    s3_client: Callable[[str], S3Client]
    account_id: str
    region: str

    def copy(self, connection: psycopg.Connection[Any], copy: CopyStatement, statement: SentStatement) -> int:
        """Load the objects of a COPY; the number of rows. SqlError with Redshift's text on any fault."""
        role = self._authorize(copy.role, statement)
        with _scratch() as directory, _s3_errors():
            client = self.s3_client(role)
            # Redshift asks where the bucket is before it reads, with the role's permission.
            client.get_bucket_location(Bucket=copy.bucket)
            files = []
            for number, entry in enumerate(self._sources(client, copy)):
                if statement.cancelled:
                    raise SqlError("Query cancelled on user's request", "57014")
                path = directory / f"{number:06d}"
                if self._download(client, entry, path):
                    files.append(copy_load.SourceFile(path, entry.url))
            if not files:
                raise SqlError(f"No file of the manifest {copy.source} exists", "XX000")
            return copy_load.load(connection, copy, files, directory, lambda: statement.cancelled)

    def unload(self, connection: psycopg.Connection[Any], unload: UnloadStatement, statement: SentStatement) -> int:
        """Write the rows of an UNLOAD as one Parquet object; the number of rows."""
        role = self._authorize(unload.role, statement)
        with _scratch() as directory, _s3_errors():
            client = self.s3_client(role)
            if not unload.overwrite and self._list(client, unload.bucket, unload.key):
                raise SqlError(
                    f"Specified unload destination on S3 is not empty: s3://{unload.bucket}/{unload.key}."
                    " Consider using a different bucket / prefix, manually removing the target files in S3, or using"
                    " the ALLOWOVERWRITE option.",
                    "XX000",
                )
            path = directory / "out.parquet"
            rows = unload_write.write_parquet(connection, unload.query, path, directory)
            if rows:
                with path.open("rb") as body:
                    client.put_object(Bucket=unload.bucket, Key=f"{unload.key}0000_part_00.parquet", Body=body)
            return rows

    def _authorize(self, role: str, statement: SentStatement) -> str:
        cluster = statement.target.cluster
        if role == "default":
            if cluster.default_iam_role is None:
                raise SqlError("The default IAM role is not set on the cluster.", "XX000")
            role = cluster.default_iam_role
        if role not in cluster.iam_roles:
            user = f"{cluster.identifier}/{statement.target.identity.user}"
            raise SqlError(
                f"User arn:aws:redshift:{self.region}:{self.account_id}:dbuser:{user} is not authorized to assume"
                f" IAM Role {role}",
                "XX000",
            )
        return role

    def _sources(self, client: S3Client, copy: CopyStatement) -> Sequence[_Entry]:
        if copy.manifest:
            return self._manifest(client, copy)
        keys = [key for key in self._list(client, copy.bucket, copy.key) if _visible(key)]
        if not keys:
            raise SqlError(f"The specified S3 prefix '{copy.key}' does not exist", "XX000")
        return [_Entry(f"s3://{copy.bucket}/{key}", mandatory=True) for key in keys]

    def _manifest(self, client: S3Client, copy: CopyStatement) -> list[_Entry]:
        try:
            with _s3_errors():
                # COPY needs LIST on the bucket with a manifest too:
                # https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-access-permissions.html
                self._list(client, copy.bucket, copy.key)
                body = client.get_object(Bucket=copy.bucket, Key=copy.key)["Body"].read()
        except SqlError as error:
            raise SqlError(f"Problem reading manifest file - {error.message}", "XX000") from error
        return _manifest_entries(body, copy)

    def _list(self, client: S3Client, bucket: str, prefix: str) -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def _download(self, client: S3Client, entry: _Entry, path: Path) -> bool:
        """Whether the object is there; one that has to be there and is not fails the COPY."""
        bucket, key = s3_location(entry.url)
        try:
            answer = client.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchKey":
                raise
            if entry.mandatory:
                raise SqlError("Mandatory url is not present in manifest file.", "XX000", entry.url) from error
            return False
        with contextlib.closing(answer["Body"]) as body:
            if entry.length is not None and answer["ContentLength"] != entry.length:
                raise SqlError(
                    f"{entry.url} has {answer['ContentLength']} bytes; the manifest's content_length is {entry.length}",
                    "XX000",
                )
            with path.open("wb") as output:
                shutil.copyfileobj(body, output, 1024 * 1024)
        return True


def _visible(key: str) -> bool:
    """Redshift skips directory markers and names that begin with ``_``, ``.`` or ``#`` or end with ``~``."""
    name = key.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(_HIDDEN_STARTS) and not name.endswith("~")


def _manifest_entries(body: bytes, copy: CopyStatement) -> list[_Entry]:
    try:
        entries = [
            _Entry(_typed(each["url"], str), _typed(each.get("mandatory", False), bool), _length(each.get("meta", {})))
            for each in json.loads(body)["entries"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        location = f"Manifest file location = {copy.source}: {error!r}"
        raise SqlError("Manifest file is not in correct json format.", "XX000", location) from error
    for entry in entries:
        if copy.format == "PARQUET" and entry.length is None:
            raise SqlError(
                f"Manifest entry {entry.url} has no meta.content_length, which columnar formats need", "XX000"
            )
    return entries


def _typed(value: object, kind: type[_T]) -> _T:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{value!r} is not of type {kind.__name__}")
    return value


def _length(meta: Any) -> int | None:
    length = meta.get("content_length")
    return None if length is None else _typed(length, int)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="redshift-") as name:
        yield Path(name)


@contextlib.contextmanager
def _s3_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        inner = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise SqlError(
            f"S3ServiceException:{inner.get('Message', '')},Status {status},Error {inner.get('Code', '')}", "XX000"
        ) from error
    except BotoCoreError as error:
        raise SqlError(f"S3ServiceException:{error}", "XX000") from error
