"""Progress as JSON lines, so that CloudWatch Logs Insights can query it without parsing."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TextIO

from dataset_contract.manifests import PYTHON, utc_text


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Log:
    """Writes one JSON object per line: time, level, job_id, stage, message and whatever fields are given."""

    job_id: str
    stream: TextIO = field(default_factory=lambda: sys.stdout)

    def info(self, message: str, **fields: object) -> None:
        """Write a line about the normal course of the job."""
        self._write("INFO", message, fields)

    def warning(self, message: str, **fields: object) -> None:
        """Write a line about what a person should look at."""
        self._write("WARNING", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, object]) -> None:
        line = {"time": utc_text(utc_now()), "level": level, "job_id": self.job_id, "stage": PYTHON, "message": message}
        text = json.dumps({**line, **fields}, ensure_ascii=False, default=str)
        # A source may have half of a character in a name. As an escape of JSON it can be written.
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
        # In one piece: two threads write.
        self.stream.write(f"{text}\n")
        self.stream.flush()
