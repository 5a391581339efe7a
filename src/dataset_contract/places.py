"""Where the files of a job lie in S3. What works for a job asks here, or is given URIs.

Terraform has the prefixes once more, for policies and lifecycles: `lake` in infra/locals.tf. The tests and the chaos
cases spell places themselves, as those who look from outside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dataset_contract.model import JOB_ID_LENGTH

STAGES = ("python", "spark", "load")

# The prefixes of the lake bucket.
STAGED, REFERENCES, REJECTED, CURATED, RUNS = "staged/", "references/", "rejected/", "curated/", "runs/"
LINEAGE, LINEAGE_SENT = "lineage/", "lineage-sent/"

# Beside the Parquet files of a job's rejected rows: the same as the texts that they were, in numbered files, and what
# stands around such a text. Who queries the Parquet files passes over names that begin with _.
REFUSED_TEXTS = "_refused-"
REFUSED_AROUND = "_refused.json"

_MANIFEST_KEY = re.compile(rf"{RUNS}([0-9A-Za-z-]{{{JOB_ID_LENGTH}}})/({'|'.join(STAGES)})\.json")


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
        return f"s3://{self.raw_bucket}/{reference_of(self.dataset)}"

    def staged(self) -> str:
        """The folder of the staged rows."""
        return self._in_lake(staged_of(self.dataset))

    def staged_references(self) -> str:
        """The checked reference rows, a folder for each reference object."""
        return self._in_lake(staged_references_of(self.dataset))

    def rejected(self) -> str:
        """The folder of the rejected rows."""
        return self._in_lake(rejected_of(self.dataset))

    def curated(self, table: str) -> str:
        """The folder of the rows of an output table."""
        return self._in_lake(f"{curated_of(self.dataset)}{table}/")

    def manifest_key(self, stage: str) -> str:
        """The key of a stage's manifest in the lake bucket."""
        return manifest_key_of(self.job_id, stage)

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

    def _in_lake(self, directory: str) -> str:
        return f"s3://{self.lake_bucket}/{of_job(directory, self.job_id)}"


def reference_of(dataset: str) -> str:
    """Of the raw bucket, what a dataset has of reference files."""
    return f"reference/{dataset}/"


def staged_of(dataset: str) -> str:
    """Of the lake bucket, what a dataset has of staged rows; a directory for each job below it (`of_job`)."""
    return f"{STAGED}{dataset}/"


def staged_references_of(dataset: str) -> str:
    """The same of checked reference rows."""
    return f"{REFERENCES}{dataset}/"


def rejected_of(dataset: str) -> str:
    """The same of rejected rows."""
    return f"{REJECTED}{dataset}/"


def curated_of(dataset: str) -> str:
    """Of the lake bucket, what a dataset has of curated rows: a directory for each table, and below it for each job."""
    return f"{CURATED}{dataset}/"


def of_job(directory: str, job_id: str) -> str:
    """What a job has of a directory. Engines that know Hive's partitions see the job ID as a column."""
    return f"{directory}job_id={job_id}/"


def runs_of(job_id: str) -> str:
    """Of the lake bucket, the manifests of a job and what lies beside them."""
    return f"{RUNS}{job_id}/"


def manifest_key_of(job_id: str, stage: str) -> str:
    """The key of a stage's manifest in the lake bucket."""
    return f"{runs_of(job_id)}{stage}.json"


def job_and_stage_of(key: str) -> tuple[str, str] | None:
    """The job ID and the stage of a manifest's key; None for any other key."""
    found = _MANIFEST_KEY.fullmatch(key)
    return (found[1], found[2]) if found else None


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
