"""What cleaning comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataset_contract.json_types import JsonMapping
from dataset_contract.manifests import FileEntry


@dataclass(frozen=True)
class LocalPart:
    """A Parquet file that is to be published."""

    path: Path
    rows: int


@dataclass
class Counts:
    """Rows of an object."""

    rows_in: int = 0
    staged: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # refused rows by `<column>: <reason>`


@dataclass(frozen=True)
class Outcome:
    """What cleaning an object came to."""

    counts: Counts
    sources: Sequence[FileEntry]  # the files read
    staged: Sequence[LocalPart]  # at least one, also without rows
    rejected: Sequence[LocalPart]
    examples: Sequence[str]  # the first refused rows, for a message
    samples: Mapping[str, JsonMapping]  # by `<column>: <reason>` its first row: source_file, line_number, raw_row
    texts: Sequence[Path] = ()  # the refused rows as text
