"""Log lines: one JSON object per line on stdout, each with the job ID, so that a search for it finds every stage."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime

from dataset_contract.manifests import utc_text


@dataclass(frozen=True)
class Log:
    """Writes the log lines of one run of one stage."""

    job_id: str
    stage: str

    def info(self, message: str, **details: object) -> None:
        """Writes a line of level INFO; `details` become fields of it."""
        self._write("INFO", message, details)

    def warning(self, message: str, **details: object) -> None:
        """Writes a line of level WARNING; `details` become fields of it."""
        self._write("WARNING", message, details)

    def error(self, message: str, **details: object) -> None:
        """Writes a line of level ERROR; `details` become fields of it."""
        self._write("ERROR", message, details)

    def _write(self, level: str, message: str, details: dict[str, object]) -> None:
        line = {
            "time": utc_text(datetime.now(UTC)),
            "level": level,
            "job_id": self.job_id,
            "stage": self.stage,
            "message": message,
            **details,
        }
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()
