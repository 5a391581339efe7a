"""The length of a job ID: each place that writes it out is compared with the one of the contract package."""

from __future__ import annotations

import pytest

from dataset_contract import model
from pipeline_tools.crosscheck import job_ids
from tests.unit.pipeline_tools.crosscheck.conftest import ROOT, Copy

PIPELINE = "infra/state_machines/pipeline.asl.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "wrong"),
    [
        (
            "sql/audit/schema.sql",
            "job_id VARCHAR(56)",
            "job_id VARCHAR(64)",
            r"job_id holds a job ID, which is VARCHAR\(56\)",
        ),
        (
            "sql/audit/schema.sql",
            "replay_origin VARCHAR(56)",
            "replay_origin VARCHAR(36)",
            "replay_origin holds a job ID",
        ),
        ("sql/audit/loads.sql", "newest VARCHAR(56)", "newest VARCHAR( 55 )", "newest holds a job ID"),
        ("sql/audit/register.sql", ":job_id AS VARCHAR(56)", ":job_id AS VARCHAR(57)", "job_id holds a job ID"),
        ("sql/audit/schema.sql", "dataset VARCHAR(127)", "dataset VARCHAR(56)", "dataset is as long as a job ID"),
        (PIPELINE, "[0-9A-Za-z-]{56}", "[0-9A-Za-z-]{57}", "a job ID has 56 characters, not 57"),
    ],
)
def test_another_length_is_reported_where_it_is(project: Copy, file: str, old: str, new: str, wrong: str) -> None:
    project.assert_found(file, project.break_(file, old, new), wrong)


def test_a_longer_job_id_is_reported_at_each_place(project: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_ids, "JOB_ID_LENGTH", model.JOB_ID_LENGTH + 1)
    found = {each.partition(": ")[0] for each in project.findings() if "job ID" in each}
    files = [*ROOT.glob("sql/audit/*.sql"), *ROOT.glob("infra/state_machines/*.yaml")]
    written = {
        f"{file.relative_to(ROOT).as_posix()}:{number}"
        for file in files
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if "VARCHAR(56)" in line or "{56}" in line
    }
    assert len(written) > 30
    assert found == written
