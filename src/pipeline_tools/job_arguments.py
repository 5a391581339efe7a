"""The arguments of the two jobs where they run by themselves, on local files and without the state machine.

The cross-check compares those of the state machine with the jobs' parsers, and a test those here with both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BareJob:
    """A job whose two stages run by themselves."""

    job_id: str
    dataset: str
    contract: Path
    started_at: str  # ISO 8601, with a zone

    def python(self, source: Path, reference: Path, directory: Path) -> list[str]:
        """Of the Python stage, which writes below `directory`."""
        return self._line(
            source_uri=f"{source}/",
            reference_uri=f"{reference}/",
            staged_uri=f"{directory}/staged/",
            staged_references_uri=f"{directory}/references/",
            rejected_uri=f"{directory}/rejected/",
            manifest_uri=f"{directory}/python.json",
            load_manifest_uri=f"{directory}/load.json",
        )

    def spark(
        self, staged: Path, directory: Path, transform: Path, tables: Iterable[str], parameters: Mapping[str, object]
    ) -> list[str]:
        """Of the Spark stage, which reads what the Python stage wrote below `staged`, and writes below `directory`."""
        curated = {table: f"{directory}/curated/{table}/job_id={self.job_id}/" for table in tables}
        return self._line(
            staged_uri=f"{staged}/staged/",
            staged_references_uri=f"{staged}/references/",
            python_manifest_uri=f"{staged}/python.json",
            transform_uri=str(transform),
            curated_uris=json.dumps(curated),
            parameters=json.dumps(dict(parameters)),
            manifest_uri=f"{directory}/spark.json",
            load_manifest_uri=f"{directory}/load.json",
        )

    def _line(self, **more: str) -> list[str]:
        common = {
            "job_id": self.job_id,
            "attempt": "000000-0",
            "dataset": self.dataset,
            "contract_uri": str(self.contract),
            "started_at": self.started_at,
        }
        return [part for name, value in {**common, **more}.items() for part in (f"--{name}", value)]
