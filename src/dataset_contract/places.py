"""Where the files of a job lie in S3. No other module knows it: the jobs and the SQL are given URIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STAGES = ("python", "spark", "load")


@dataclass(frozen=True)
class Places:
    """The places of one job. Every place that the pipeline writes carries the job ID."""

    job_id: str
    dataset: str
    raw_bucket: str
    lake_bucket: str
    artifacts_bucket: str

    def reference(self) -> str:
        """The reference files as a person uploads them, a folder for each reference object."""
        return f"s3://{self.raw_bucket}/reference/{self.dataset}/"

    def staged(self) -> str:
        """The folder of the staged rows."""
        return f"s3://{self.lake_bucket}/staged/{self.dataset}/job_id={self.job_id}/"

    def staged_references(self) -> str:
        """The checked reference rows, a folder for each reference object."""
        return f"s3://{self.lake_bucket}/references/{self.dataset}/job_id={self.job_id}/"

    def rejected(self) -> str:
        """The folder of the rejected rows."""
        return f"s3://{self.lake_bucket}/rejected/{self.dataset}/job_id={self.job_id}/"

    def curated(self, table: str) -> str:
        """The folder of the rows of an output table."""
        return f"s3://{self.lake_bucket}/curated/{self.dataset}/{table}/job_id={self.job_id}/"

    def manifest_key(self, stage: str) -> str:
        """The key of a stage's manifest in the lake bucket."""
        return f"runs/{self.job_id}/{stage}.json"

    def manifest(self, stage: str) -> str:
        """The URI of a stage's manifest."""
        return f"s3://{self.lake_bucket}/{self.manifest_key(stage)}"

    def copy_manifest(self, stage_run: str, table: str) -> str:
        """The list of an output's files, by which Redshift's COPY reads them and no other."""
        return copy_manifest_of(self.manifest("spark"), stage_run, table)

    def source_files_list(self, stage_run: str) -> str:
        """The list of the file that names the source files, by which COPY reads it."""
        return source_files_list_of(self.manifest("python"), stage_run)

    def artifact(self, name: str) -> str:
        """The URI of a packaged file of the dataset."""
        return f"s3://{self.artifacts_bucket}/sql/datasets/{self.dataset}/{name}"

    def document(self, tables: Sequence[str]) -> dict[str, object]:
        """All places as the state machine passes them on."""
        return {
            "contract": self.artifact("contract.json"),
            "transform": self.artifact("transform.sql"),
            "reference": self.reference(),
            "staged": self.staged(),
            "staged_references": self.staged_references(),
            "rejected": self.rejected(),
            "curated": {table: self.curated(table) for table in tables},
            "manifests": {stage: self.manifest(stage) for stage in STAGES},
            "manifest_keys": {stage: self.manifest_key(stage) for stage in STAGES},
        }


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The two parts of `s3://bucket/key`; the key of `s3://bucket` is empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def manifest_beside(manifest: str, stage: str) -> str:
    """The URI or key of another stage's manifest of the same job."""
    return f"{manifest.rpartition('/')[0]}/{stage}.json"


def of_run(directory: str, stage_run: str) -> str:
    """Where a run of a stage writes, of what the job has below `directory`: in a directory of its own."""
    return f"{directory}{stage_run}/"


def details_of(manifest: str, stage_run: str) -> str:
    """The URI or key of what a run of a stage read and wrote, file by file: `…/python/<stage run>/details.json`."""
    return f"{_beside(manifest, stage_run)}details.json"


def copy_manifest_of(manifest: str, stage_run: str, table: str) -> str:
    """The list of a table's files for Redshift's COPY: `…/spark/<stage run>/copy/orders.manifest`."""
    return f"{_beside(manifest, stage_run)}copy/{table}.manifest"


def source_files_of(manifest: str, stage_run: str) -> str:
    """The directory of the file that names the source files as they were read: `…/python/<stage run>/source_files/`."""
    return f"{_beside(manifest, stage_run)}source_files/"


def source_files_list_of(manifest: str, stage_run: str) -> str:
    """The list of that file, for Redshift's COPY."""
    return f"{source_files_of(manifest, stage_run)}copy.manifest"


def _beside(manifest: str, stage_run: str) -> str:
    return of_run(manifest.removesuffix(".json") + "/", stage_run)


def failure_of(manifest: str) -> str:
    """The URI or key where a stage that failed says why, beside its manifest: `…/python-error.json`."""
    return manifest.removesuffix(".json") + "-error.json"
