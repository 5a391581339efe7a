"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """A mistake. `file` is relative to the project's folder, `line` counts from 1."""

    file: str
    line: int
    wrong: str
    todo: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.wrong}; {self.todo}"
