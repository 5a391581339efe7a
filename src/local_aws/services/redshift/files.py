"""Moves data between S3 and PostgreSQL for COPY and UNLOAD: which objects, by whose leave, and back."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from local_aws.services.redshift import copy_load, unload_write
from local_aws.services.redshift.copy_statement import CopyStatement, s3_location
from local_aws.services.redshift.model import Statement
from local_aws.services.redshift.sqlerror import SqlError
from local_aws.services.redshift.unload_statement import UnloadStatement

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_HIDDEN_STARTS = ("_", ".", "#")


@dataclass(frozen=True)
class FileMover:
    """COPY and UNLOAD over ``s3_client``, which is asked for the ARN of the role that they use.

    ``account_id`` and ``region`` name the database user in errors.
    """

    s3_client: Callable[[str], S3Client]
    account_id: str
    region: str

    def copy(self, connection: psycopg.Connection[Any], copy: CopyStatement, statement: Statement) -> int:
        """Load the objects of a COPY; the number of rows. SqlError with Redshift's text on any fault."""
        role = self._authorize(copy.role, statement)
        with _scratch() as directory, _s3_errors():
            client = self.s3_client(role)
            # Redshift asks where the bucket is before it reads, with the role's permission.
            client.get_bucket_location(Bucket=copy.bucket)
            files = []
            for number, (bucket, key) in enumerate(self._sources(client, copy)):
                if statement.cancelled:
                    raise SqlError("Query cancelled on user's request", "57014")
                path = directory / f"{number:06d}"
                self._download(client, bucket, key, path)
                files.append(copy_load.SourceFile(path, f"s3://{bucket}/{key}"))
            return copy_load.load(connection, copy, files, directory, lambda: statement.cancelled)

    def unload(self, connection: psycopg.Connection[Any], unload: UnloadStatement, statement: Statement) -> int:
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

    def _authorize(self, role: str, statement: Statement) -> str:
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

    def _sources(self, client: S3Client, copy: CopyStatement) -> list[tuple[str, str]]:
        if copy.manifest:
            return list(self._manifest(client, copy))
        keys = [key for key in self._list(client, copy.bucket, copy.key) if _visible(key)]
        if not keys:
            raise SqlError(f"The specified S3 prefix '{copy.key}' does not exist", "XX000")
        return [(copy.bucket, key) for key in keys]

    def _manifest(self, client: S3Client, copy: CopyStatement) -> Iterator[tuple[str, str]]:
        if copy.key not in self._list(client, copy.bucket, copy.key):
            raise SqlError(f"The specified S3 manifest '{copy.key}' does not exist", "XX000")
        body = client.get_object(Bucket=copy.bucket, Key=copy.key)["Body"].read()
        for url, mandatory, length in _manifest_entries(body, copy):
            bucket, key = s3_location(url)
            if key in self._list(client, bucket, key):
                found = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
                if length is not None and found != length:
                    raise SqlError(f"{url} has {found} bytes; the manifest's content_length is {length}", "XX000")
                yield bucket, key
            elif mandatory:
                raise SqlError(
                    f"Problem reading manifest file - S3 key '{url}' does not exist and is mandatory", "XX000"
                )

    def _list(self, client: S3Client, bucket: str, prefix: str) -> list[str]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def _download(self, client: S3Client, bucket: str, key: str, path: Path) -> None:
        body = client.get_object(Bucket=bucket, Key=key)["Body"]
        with contextlib.closing(body), path.open("wb") as output:
            shutil.copyfileobj(body, output, 1024 * 1024)


def _visible(key: str) -> bool:
    """Redshift skips directory markers and names that begin with ``_``, ``.`` or ``#`` or end with ``~``."""
    name = key.rsplit("/", 1)[-1]
    return bool(name) and not name.startswith(_HIDDEN_STARTS) and not name.endswith("~")


def _manifest_entries(body: bytes, copy: CopyStatement) -> list[tuple[str, bool, int | None]]:
    try:
        entries = json.loads(body)["entries"]
        read = [(str(entry["url"]), bool(entry.get("mandatory", False)), entry.get("meta", {})) for entry in entries]
        lengths = [meta.get("content_length") for _url, _mandatory, meta in read]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SqlError(f"Problem reading manifest file {copy.source}: {error!r}", "XX000") from error
    if copy.format == "PARQUET" and None in lengths:
        url = read[lengths.index(None)][0]
        raise SqlError(f"Manifest entry {url} has no meta.content_length, which columnar formats need", "XX000")
    return [(url, mandatory, length) for (url, mandatory, _), length in zip(read, lengths, strict=True)]


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
