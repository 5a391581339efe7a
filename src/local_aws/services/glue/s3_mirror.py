"""S3 for a local Spark: the places that a run names are copied to disk before it, and what changed comes back after it.

Spark reads and writes `s3://bucket/key` unchanged: Hadoop's ViewFileSystemOverloadScheme maps each bucket to a
directory (https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/ViewFsOverloadScheme.html), so no jar
is needed.

A URI in an argument may be a place or only a text (`see s3://partner/readme.txt`), and nothing tells which. So a place
that cannot be copied is no error: it fails the script when the script uses it, with what S3 answered, as on AWS.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([^\s\"',{}\[\]\x00-\x1f\ufffe\uffff]*))?")
_MOST_KEYS_A_DELETION = 1_000
_MOUNTS = "fs.viewfs.mounttable"


@dataclass(frozen=True, order=True)
class S3Place:
    """A bucket and a key, or the beginning of keys."""

    bucket: str
    key: str


def uris_in(texts: Iterable[str]) -> list[S3Place]:
    """Every s3:// URI in the texts, also inside of JSON and comma-separated lists."""
    return sorted({S3Place(match[1], match[2] or "") for text in texts for match in _URI.finditer(text)})


def download(s3: S3Client, place: S3Place, target: Path, tag: Path | None = None) -> None:
    """Copy one object to a file; where `tag` has its ETag already, the file is left as it is. `tag` is written then.

    Not download_file, which asks for the size first: a refusal of that has no text that could name what is not allowed.
    """
    known = tag.read_text(encoding="utf-8") if tag and tag.exists() else ""
    try:
        answer = s3.get_object(Bucket=place.bucket, Key=place.key, **({"IfNoneMatch": known} if known else {}))  # type: ignore[arg-type]
    except ClientError as error:
        if known and error.response["ResponseMetadata"]["HTTPStatusCode"] == 304:
            return
        raise
    with contextlib.closing(answer["Body"]) as body, target.open("wb") as out:
        shutil.copyfileobj(body, out, 1024 * 1024)
    if tag:
        tag.write_text(answer["ETag"], encoding="utf-8")


class Mirror:
    """The local copy of the places that one run names."""

    def __init__(self, s3: S3Client, directory: Path) -> None:
        self._s3 = s3
        self._directory = directory
        self._buckets: set[str] = set()  # those with a place that could be listed
        self._unreadable: dict[S3Place, str] = {}  # what S3 answered
        self._before: dict[S3Place, tuple[int, int]] = {}

    def fetch(self, places: Iterable[S3Place]) -> None:
        """Copy each object whose key is the place's, or begins with it and a slash; remember what cannot be copied."""
        for place in places:
            try:
                keys = list(self._keys(place))
            except (ClientError, BotoCoreError) as error:
                self._unreadable[place] = _said(place, error)
                continue
            self._buckets.add(place.bucket)
            (self._directory / place.bucket).mkdir(parents=True, exist_ok=True)
            for key in keys:
                self._copy(S3Place(place.bucket, key))
        self._before = self._state()

    @property
    def bytes(self) -> int:
        """The size of what was copied from S3."""
        return sum(size for size, _ in self._before.values())

    def publish(self) -> None:
        """Upload what is new or changed, then delete from S3 what the run deleted; below the named places only."""
        after = self._state()
        # In the order in which they were written: what says that others are complete comes after them.
        for place, state in sorted(after.items(), key=lambda item: (item[1][1], item[0])):
            if self._before.get(place) != state:
                self._s3.upload_file(str(self._path(place)), place.bucket, place.key)
        gone: dict[str, list[str]] = {}
        for place in sorted(self._before.keys() - after.keys()):
            gone.setdefault(place.bucket, []).append(place.key)
        for bucket, keys in gone.items():
            for first in range(0, len(keys), _MOST_KEYS_A_DELETION):
                objects = [{"Key": key} for key in keys[first : first + _MOST_KEYS_A_DELETION]]
                self._s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})  # type: ignore[typeddict-item]

    def configure(self, directory: Path) -> None:
        """Write the core-site.xml that makes `s3://` mean this mirror; its directory is Hadoop's HADOOP_CONF_DIR."""
        root = ElementTree.Element("configuration")
        for name, value in self._settings().items():
            item = ElementTree.SubElement(root, "property")
            ElementTree.SubElement(item, "name").text = name
            ElementTree.SubElement(item, "value").text = value
        directory.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(directory / "core-site.xml", encoding="utf-8", xml_declaration=True)

    def _settings(self) -> dict[str, str]:
        settings = {
            "fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
            "fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
        }
        for bucket in sorted(self._buckets):
            settings[f"{_MOUNTS}.{bucket}.linkFallback"] = (self._directory / bucket).resolve().as_uri()
        for number, (mount, said) in enumerate(self._failing_mounts().items()):
            # A file system of this class is made when the script first uses the mount, and Hadoop then fails with the
            # name of the class that it did not find: the only text that a mount can be given.
            settings[f"fs.unreadable{number}.impl"] = said
            settings[mount] = f"unreadable{number}://s3/"
        return settings

    def _failing_mounts(self) -> dict[str, str]:
        """The settings that mount something in the place of what cannot be read, and what S3 answered."""
        mounts: dict[str, str] = {}
        for place, said in sorted(self._unreadable.items()):
            bucket = f"{_MOUNTS}.{place.bucket}"
            if place.bucket not in self._buckets:
                mounts.setdefault(f"{bucket}.linkFallback", said)
                continue
            parts = place.key.rstrip("/").split("/")
            if any(part in ("", ".", "..") for part in parts):  # no path for Hadoop; "" is also the whole bucket
                continue
            above = [f"{bucket}.link./{'/'.join(parts[:count])}" for count in range(1, len(parts) + 1)]
            if not any(mount in mounts for mount in above):  # Hadoop takes no mount within another, and none twice
                mounts[above[-1]] = said
        return mounts

    def _copy(self, place: S3Place) -> None:
        target = self._path(place)
        try:
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                download(self._s3, place, target)
        except (ClientError, BotoCoreError, OSError) as error:  # OSError: no name of a file, such as `a` beside `a/b`
            self._unreadable[place] = _said(place, error)

    def _keys(self, place: S3Place) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
        folder = place.key if place.key.endswith("/") or not place.key else f"{place.key}/"
        for page in pages:
            for item in page.get("Contents", []):
                key = item["Key"]
                if (key == place.key or key.startswith(folder)) and not key.endswith("/"):
                    yield key

    def _state(self) -> dict[S3Place, tuple[int, int]]:
        found: dict[S3Place, tuple[int, int]] = {}
        for bucket in self._buckets:
            root = self._directory / bucket
            for path in root.rglob("*"):
                # Hadoop's checksum files are an artefact of its local file system.
                if path.is_file() and not path.name.endswith(".crc"):
                    status = path.stat()
                    found[S3Place(bucket, path.relative_to(root).as_posix())] = (status.st_size, status.st_mtime_ns)
        return found

    def _path(self, place: S3Place) -> Path:
        return self._directory / place.bucket / place.key


def _said(place: S3Place, error: Exception) -> str:
    return " ".join(f"s3://{place.bucket}/{place.key} cannot be read: {error}".split())
