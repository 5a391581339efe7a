"""S3's objects on disk: MiniStack keeps the body of each object, version and part in memory.

It has a setting that writes objects to disk (S3_PERSIST), which reads a whole object for each range of it (500 MB took
80 s to download) and keeps parts in memory. Here a body is a file that is mapped while it is read, and that is removed
with the last record that has it: of a version, a copy or a part.
"""

from __future__ import annotations

import itertools
import mmap
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from local_aws.json_types import JsonObject

# A smaller body stays in memory: it is less than what a record of it takes with its file.
SMALLEST_BYTES: Final = 64 * 1024

# What keeps a body, beside _upload_part.
_WRITES: Final = ("_put_object", "_post_object", "_copy_object", "_complete_multipart_upload", "_upload_part_copy")

Response = tuple[int, dict[str, str], Any]


class StoredBody:
    """A body in a file, which is removed when nothing refers to this any more, or when the process ends."""

    def __init__(self, path: Path, body: bytes | mmap.mmap) -> None:
        try:
            path.write_bytes(body)
        except OSError:  # a full disk
            path.unlink(missing_ok=True)
            raise
        self._path = path
        weakref.finalize(self, path.unlink, missing_ok=True)

    def mapped(self) -> MappedBody:
        """The bytes, without reading what is not asked for."""
        with self._path.open("rb") as file:
            mapping = MappedBody(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapping.stored = self
        return mapping


class MappedBody(mmap.mmap):
    """What bytes are used for here: their length, slices, digests, joins."""

    stored: StoredBody


class ObjectFiles:
    """Files of bodies below a directory that is this process's own."""

    def __init__(self, directory: Path) -> None:
        shutil.rmtree(directory, ignore_errors=True)  # of a process that was killed
        directory.mkdir(parents=True)
        self._directory = directory
        self._number = itertools.count(1)

    def stored(self, body: object) -> Any:
        """What a record keeps of a body: itself where it is small, else its file; that of a mapped one is shared."""
        if isinstance(body, MappedBody):
            return body.stored
        if not isinstance(body, bytes) or len(body) < SMALLEST_BYTES:
            return body
        return StoredBody(self._directory / str(next(self._number)), body)


def keep_objects_in(directory: Path) -> None:
    """Have MiniStack's S3 keep bodies in files. Not a registry: these functions are all that touches a body."""
    from ministack.services import s3

    files = ObjectFiles(directory)
    record_version, upload_part = s3._record_object_version, s3._upload_part

    def record_stored_version(bucket: str, key: str, before: object, record: JsonObject, body: object) -> Any:
        try:
            record["body"] = files.stored(body)
        except OSError:  # the record is in its place already: what was there before is there again
            objects = s3._ensure_bucket(bucket)["objects"]
            objects.pop(key, None) if before is None else objects.update({key: before})
            raise
        return record_version(bucket, key, before, record, record["body"])

    def upload_stored_part(bucket: str, key: str, body: bytes, *arguments: object) -> Any:
        return upload_part(bucket, key, _mapped(files.stored(body)), *arguments)

    def mapping(read: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **named: _mapped(read(*arguments, **named))

    def reading(read: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **named: _read(read(*arguments, **named))

    def answering(answer: Callable[..., Response]) -> Callable[..., Response]:
        def get(*arguments: object, **named: object) -> Response:
            status, headers, body = answer(*arguments, **named)
            return status, headers, _read(body)

        return get

    def refusing(write: Callable[..., Response]) -> Callable[..., Response]:
        def written(*arguments: object, **named: object) -> Response:
            try:
                return write(*arguments, **named)
            except OSError as error:
                said = f"We encountered an internal error. Please try again. ({error})"
                refused: Response = s3._error("InternalError", said, 500)
                return refused

        return written

    for name in _WRITES:
        setattr(s3, name, refusing(getattr(s3, name)))
    s3._record_object_version = record_stored_version
    s3._upload_part = refusing(upload_stored_part)
    s3._read_body, s3._version_body = mapping(s3._read_body), mapping(s3._version_body)
    s3._get_object_data, s3._get_object = reading(s3._get_object_data), answering(s3._get_object)


def _mapped(body: object) -> Any:
    return body.mapped() if isinstance(body, StoredBody) else body


def _read(body: object) -> Any:
    return bytes(body) if isinstance(body, MappedBody) else body
