"""Bring files from here into the raw bucket, each time into a folder of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dataset_contract.places import bucket_and_key
from pipeline.errors import UsageError
from pipeline.texts import is_utf8

if TYPE_CHECKING:
    from pipeline.stacks import Stack


@dataclass(frozen=True)
class File:
    """A file to upload.

    Attributes:
        name: its path below the folder in the bucket.
        size: in bytes.
    """

    path: Path
    name: str
    size: int


def files(paths: Sequence[Path]) -> list[File]:
    """The files that are named, and all below the directories that are named.

    Names that begin with _ or . are left out: the jobs do not read them.

    Raises:
        UsageError: a path is not there, gives no file or what is no regular file, or gives a name that is not
            UTF-8 or that another one has.
    """
    found: dict[str, File] = {}
    for path in paths:
        if not path.exists():
            raise UsageError(f"--upload {str(path)!r} is not there; accepted: files and directories")
        # What is no directory may still be no file: a pipe, whose size nobody knows, or a link to nothing.
        inside = sorted(each for each in path.rglob("*") if not each.is_dir()) if path.is_dir() else [path]
        base = path if path.is_dir() else path.parent
        visible = [each for each in inside if not any(part[0] in "_." for part in each.relative_to(base).parts)]
        if not visible:
            raise UsageError(f"--upload {str(path)!r} gives no file; names that begin with _ or . are not read")
        for each in visible:
            if not each.is_file():
                raise UsageError(f"--upload {str(each)!r} is no regular file; accepted: files and directories")
            name = each.relative_to(base).as_posix()
            if not is_utf8(name):
                raise UsageError(f"--upload {str(each)!r} has a name that is not UTF-8, which no object in S3 can have")
            if name in found:
                raise UsageError(
                    f"--upload {str(each)!r} has the name of {str(found[name].path)!r}; accepted: different names"
                )
            found[name] = File(each, name, each.stat().st_size)
    return list(found.values())


def folder(stack: Stack, dataset: str) -> str:
    """The URI of a folder that nothing else uses. It lies outside of the folders that datasets have of their own."""
    now = datetime.now(UTC)
    return f"s3://{stack.outputs['raw_bucket']}/uploads/{dataset}/{now:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(4)}/"


def upload(stack: Stack, chosen: Sequence[File], uri: str, on_bytes: Callable[[int], None]) -> None:
    """Upload files below a URI. on_bytes is told of bytes as they are sent, from several threads."""
    bucket, prefix = bucket_and_key(uri)
    client = stack.client("s3")
    for file in chosen:
        client.upload_file(str(file.path), bucket, prefix + file.name, Callback=on_bytes)
