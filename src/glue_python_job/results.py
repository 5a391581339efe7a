"""What cleaning comes to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class FileRows:
    """A stored file with its size and rows, as the manifest lists it."""

    uri: str
    bytes: int
    rows: int


@dataclass(frozen=True)
class LocalPart:
    """A Parquet file that is to be published."""

    path: Path
    rows: int


@dataclass
class Counts:
    """Rows of the run. reasons: refused rows by `<column>: <rule>`."""

    rows_in: int = 0
    staged: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outcome:
    """The counts, the rows of each source file, and the Parquet files to publish."""

    counts: Counts
    sources: list[FileRows]
    staged: list[LocalPart]
    rejected: list[LocalPart]
