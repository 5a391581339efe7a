"""The places in S3: a URI is taken apart in one function."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset_contract import manifests
from dataset_contract.places import (
    STAGES,
    Places,
    bucket_and_key,
    details_of,
    failure_of,
    job_and_stage_of,
    manifest_beside,
    manifest_key_of,
    of_run,
)

SRC = Path(__file__).parents[3] / "src"
# What cuts the scheme off a URI: removeprefix("s3://"), uri[len("s3://") :], or [5:] and a partition.
_CUT = re.compile(r"""removeprefix\(["']s3://|len\(["']s3://["']\)|\[5:\]\s*\.partition""")


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("s3://raw/a/b.csv", ("raw", "a/b.csv")),
        ("s3://raw/a//b/", ("raw", "a//b/")),
        ("s3://raw/", ("raw", "")),
        ("s3://raw", ("raw", "")),
    ],
)
def test_a_uri_has_a_bucket_and_a_key(uri: str, parts: tuple[str, str]) -> None:
    assert bucket_and_key(uri) == parts


def test_the_key_of_a_manifest_tells_its_job_and_stage() -> None:
    job = "20261201T020145655Z-a9e07b80-8d90-523d-a697-ee974f3782a6"
    for stage in STAGES:
        assert job_and_stage_of(manifest_key_of(job, stage)) == (job, stage)
        assert job_and_stage_of(failure_of(manifest_key_of(job, stage))) is None
    for other in (f"runs/{job}/sql.json", f"runs/{job[:-1]}/load.json", f"x/runs/{job}/load.json", f"runs/{job}/load"):
        assert job_and_stage_of(other) is None


def test_the_places_of_a_job() -> None:
    places = Places("job-1", "orders", "raw", "lake", "artifacts")
    assert places.document(["totals"]) == {
        "contract": "s3://artifacts/sql/datasets/orders/contract.json",
        "transform": "s3://artifacts/sql/datasets/orders/transform.sql",
        "reference": "s3://raw/reference/orders/",
        "staged": "s3://lake/staged/orders/job_id=job-1/",
        "staged_references": "s3://lake/references/orders/job_id=job-1/",
        "rejected": "s3://lake/rejected/orders/job_id=job-1/",
        "curated": {"totals": "s3://lake/curated/orders/totals/job_id=job-1/"},
        "manifests": {
            "python": "s3://lake/runs/job-1/python.json",
            "spark": "s3://lake/runs/job-1/spark.json",
            "load": "s3://lake/runs/job-1/load.json",
        },
        "manifest_keys": {
            "python": "runs/job-1/python.json",
            "spark": "runs/job-1/spark.json",
            "load": "runs/job-1/load.json",
        },
    }
    assert places.copy_manifest("run-1", "totals") == "s3://lake/runs/job-1/spark/run-1/copy/totals.manifest"
    assert places.source_files_list("run-1") == "s3://lake/runs/job-1/python/run-1/source_files/copy.manifest"
    assert details_of(places.manifest("python"), "run-1") == "s3://lake/runs/job-1/python/run-1/details.json"
    assert of_run(places.staged(), "run-1") == "s3://lake/staged/orders/job_id=job-1/run-1/"
    assert manifest_beside(places.manifest("python"), "spark") == places.manifest("spark")
    assert failure_of(places.manifest("python")) == "s3://lake/runs/job-1/python-error.json"


def test_the_stages_that_write_manifests_have_places_for_them() -> None:
    assert (manifests.PYTHON, manifests.SPARK, manifests.LOAD) == STAGES


def test_nothing_else_takes_a_uri_apart_by_hand() -> None:
    found = [
        file.relative_to(SRC).as_posix()
        for file in sorted(SRC.rglob("*.py"))
        if _CUT.search(file.read_text(encoding="utf-8"))
    ]
    assert found == ["dataset_contract/places.py"]
