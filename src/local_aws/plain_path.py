"""Paths that every program takes, whatever the path of the checkout is.

Spark splits its lists at commas and Java's options at blanks, reads paths as URIs, and follows links to what they point
at; PostgreSQL splits the directories of its sockets at commas. So what they work in has a plain path.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


def is_plain(path: Path | str) -> bool:
    """Whether a path has no special characters."""
    return _PLAIN.fullmatch(str(path)) is not None


@contextlib.contextmanager
def plain(directory: Path) -> Iterator[Path]:
    """The directory, made as needed, at a path without special characters.

    That is its own path, or else one elsewhere, to which the directory is a link for this time; at the end it is a
    directory again, with all that is in it.
    """
    directory = directory.absolute()
    elsewhere = plain_name(directory)
    if elsewhere == directory:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
        return
    _make_own(elsewhere.parent)
    directory.parent.mkdir(parents=True, exist_ok=True)
    moving = directory.with_name(f"{directory.name}.moving")
    if directory.is_symlink() and directory.readlink() == elsewhere:
        # Left by a process that was killed: the files are where they were.
        directory.unlink()
        _remove(moving)
    elif moving.exists():  # killed at the very end
        _remove(elsewhere)
        shutil.move(moving, elsewhere)
    elif directory.exists():
        _remove(elsewhere)
        shutil.move(directory, elsewhere)
    else:
        _remove(elsewhere)
    elsewhere.mkdir(exist_ok=True)
    directory.symlink_to(elsewhere, target_is_directory=True)
    try:
        yield elsewhere
    finally:
        shutil.move(elsewhere, moving)
        directory.unlink()
        moving.rename(directory)
        elsewhere.parent.rmdir()


def plain_name(directory: Path) -> Path:
    """The path at which `plain` gives a directory; always the same, so what was killed is found again."""
    directory = directory.absolute()
    if is_plain(directory):
        return directory
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(temporary()) / f"local-aws-{os.geteuid()}-{name}" / "files"


def _make_own(holder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        holder.mkdir()
    status = holder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(f"{holder} is not this user's directory: remove it, or set TMPDIR to another directory")
    # Not only for this user: the database may run as another one.
    holder.chmod(0o711)


def _remove(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def temporary() -> str:
    """The directory for temporary files; /tmp where the set one has special characters."""
    chosen = tempfile.gettempdir()
    return chosen if is_plain(chosen) else "/tmp"
