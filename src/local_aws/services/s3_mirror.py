"""S3 for a local Spark: the places that a run names are copied to disk before it, and what changed comes back after it.

Spark reads and writes `s3://bucket/key` unchanged: Hadoop's ViewFileSystemOverloadScheme maps each bucket to a
directory (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/ViewFsOverloadScheme.html), so no jar
is needed.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^\s\"',{}\[\]]*))?")
_MOST_KEYS_A_DELETION = 1_000


@dataclass(frozen=True, order=True)
class Place:
    """A bucket and a key, or the beginning of keys."""

    bucket: str
    key: str


def uris_in(texts: Iterable[str]) -> list[Place]:
    """Every s3:// URI in the texts, also inside of JSON and comma-separated lists."""
    return sorted({Place(match[1], match[2] or "") for text in texts for match in _URI.finditer(text)})


def download(s3: S3Client, place: Place, target: Path) -> None:
    """Copy one object to a file.

    Not download_file, which asks for the size first: a refusal of that has no text that could name what is not allowed.
    """
    body = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"]
    with contextlib.closing(body), target.open("wb") as out:
        shutil.copyfileobj(body, out, 1024 * 1024)


class Mirror:
    """The local copy of the places that one run names."""

    def __init__(self, s3: S3Client, directory: Path) -> None:
        self._s3 = s3
        self._directory = directory
        self._places: list[Place] = []
        self._before: dict[Place, tuple[int, int]] = {}

    def fetch(self, places: Iterable[Place]) -> None:
        """Copy each object whose key is the place's, or begins with it and a slash.

        Raises:
            AwsError: the bucket does not exist or cannot be listed.
        """
        self._places = list(places)
        for place in self._places:
            (self._directory / place.bucket).mkdir(parents=True, exist_ok=True)
            for key in self._keys(place):
                target = self._path(Place(place.bucket, key))
                if not target.exists():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    download(self._s3, Place(place.bucket, key), target)
        self._before = self._state()

    def publish(self) -> None:
        """Upload what is new or changed, then delete from S3 what the run deleted; below the named places only."""
        after = self._state()
        for place, state in sorted(after.items()):
            if self._before.get(place) != state:
                self._s3.upload_file(str(self._path(place)), place.bucket, place.key)
        gone: dict[str, list[str]] = {}
        for place in sorted(self._before.keys() - after.keys()):
            gone.setdefault(place.bucket, []).append(place.key)
        for bucket, keys in gone.items():
            for first in range(0, len(keys), _MOST_KEYS_A_DELETION):
                objects = [{"Key": key} for key in keys[first : first + _MOST_KEYS_A_DELETION]]
                self._s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})  # type: ignore[typeddict-item]

    def spark_configuration(self) -> dict[str, str]:
        """The settings that make `s3://` mean this mirror."""
        settings = {
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
            "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
        }
        for bucket in sorted({place.bucket for place in self._places}):
            root = (self._directory / bucket).resolve().as_uri()
            settings[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = root
        return settings

    def _keys(self, place: Place) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
        folder = place.key if place.key.endswith("/") or not place.key else f"{place.key}/"
        try:
            for page in pages:
                for item in page.get("Contents", []):
                    key = item["Key"]
                    if (key == place.key or key.startswith(folder)) and not key.endswith("/"):
                        yield key
        except self._s3.exceptions.ClientError as error:
            raise AwsError(
                "InvalidInputException", f"s3://{place.bucket}/{place.key} cannot be read: {error}"
            ) from error

    def _state(self) -> dict[Place, tuple[int, int]]:
        found: dict[Place, tuple[int, int]] = {}
        for bucket in {place.bucket for place in self._places}:
            root = self._directory / bucket
            for path in root.rglob("*"):
                # Hadoop's checksum files are an artefact of its local file system.
                if path.is_file() and not path.name.endswith(".crc"):
                    status = path.stat()
                    found[Place(bucket, path.relative_to(root).as_posix())] = (status.st_size, status.st_mtime_ns)
        return found

    def _path(self, place: Place) -> Path:
        return self._directory / place.bucket / place.key
