"""The S3 layout of a run. No other module knows it: the jobs and the SQL are given URIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Where the files of one job lie. Every place that the pipeline writes carries the job ID."""

    job_id: str
    dataset: str
    raw_bucket: str
    lake_bucket: str
    artifacts_bucket: str

    def staged(self) -> str:
        return f"s3://{self.lake_bucket}/staged/{self.dataset}/job_id={self.job_id}/"

    def rejected(self) -> str:
        return f"s3://{self.lake_bucket}/rejected/{self.dataset}/job_id={self.job_id}/"

    def curated(self, table: str) -> str:
        return f"s3://{self.lake_bucket}/curated/{self.dataset}/{table}/job_id={self.job_id}/"

    def manifest_key(self, stage: str) -> str:
        return f"runs/{self.job_id}/{stage}.json"

    def manifest(self, stage: str) -> str:
        return f"s3://{self.lake_bucket}/{self.manifest_key(stage)}"

    def reference(self) -> str:
        return f"s3://{self.raw_bucket}/reference/{self.dataset}/"

    def artifact(self, name: str) -> str:
        return f"s3://{self.artifacts_bucket}/sql/datasets/{self.dataset}/{name}"

    def document(self, tables: Sequence[str]) -> dict[str, object]:
        """All places as the state machine passes them on."""
        return {
            "contract": self.artifact("contract.json"),
            "transform": self.artifact("transform.sql"),
            "reference": self.reference(),
            "staged": self.staged(),
            "rejected": self.rejected(),
            "curated": {table: self.curated(table) for table in tables},
            "manifests": {stage: self.manifest(stage) for stage in ("python", "spark", "load")},
            "manifest_keys": {stage: self.manifest_key(stage) for stage in ("python", "spark", "load")},
        }
