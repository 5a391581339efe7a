"""Paths that every program takes, whatever the path of the checkout is.

Spark splits its lists at commas and Java's options at blanks, reads paths as URIs, and follows links to what they point
at; PostgreSQL splits the directories of its sockets at commas. So what they work in has a plain path.
"""

from __future__ import annotations

import contextlib
import re
import shutil
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
    if is_plain(directory):
        directory.mkdir(parents=True, exist_ok=True)
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="local-aws-", dir=temporary()) as holder:
        # Not only for this user: the database may run as another one.
        Path(holder).chmod(0o711)
        elsewhere = Path(holder) / "files"
        directory.parent.mkdir(parents=True, exist_ok=True)
        if directory.exists():
            shutil.move(directory, elsewhere)
        else:
            elsewhere.mkdir()
        directory.symlink_to(elsewhere, target_is_directory=True)
        try:
            yield elsewhere
        finally:
            directory.unlink()
            shutil.move(elsewhere, directory)


def temporary() -> str:
    """The directory for temporary files; /tmp where the set one has special characters."""
    chosen = tempfile.gettempdir()
    return chosen if is_plain(chosen) else "/tmp"
