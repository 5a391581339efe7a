"""The arguments of a job that runs by itself: its parser takes them, and they are those of the state machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from pipeline_tools.crosscheck import job_samples
from pipeline_tools.environments import ROOT
from pipeline_tools.job_arguments import BareJob

JOB = BareJob("bare", "orders", Path("/package/contract.json"), "2026-01-01T00:00:00.000Z")
PYTHON = JOB.python(Path("/raw/orders"), Path("/raw/reference"), Path("/out"))
SPARK = JOB.spark(Path("/out"), Path("/out"), Path("/package/transform.sql"), ["lines"], {"late_minutes": 15})


def pairs(line: Sequence[str]) -> dict[str, str]:
    found = dict(zip(line[::2], line[1::2], strict=True))
    assert len(found) * 2 == len(line)
    return found


@pytest.mark.parametrize(("package", "line"), [("glue_python_job", PYTHON), ("glue_spark_job", SPARK)])
def test_the_parser_of_the_job_takes_them_and_knows_each(package: str, line: list[str]) -> None:
    parsed = job_samples.parse(package, pairs(line))
    assert parsed.job_id == "bare"
    assert job_samples.surplus(pairs(line), parsed) == []


@pytest.mark.parametrize(("state", "line"), [("CleanWithPython", PYTHON), ("TransformWithSpark", SPARK)])
def test_the_state_machine_passes_the_same(state: str, line: list[str]) -> None:
    machine = (ROOT / "infra" / "state_machines" / "pipeline.asl.yaml").read_text(encoding="utf-8")
    passed = set(yaml.safe_load(machine)["States"][state]["Arguments"]["Arguments"])
    assert set(pairs(line)) == passed - {"--custom-logStream-prefix"}  # Glue's own


def test_the_spark_stage_reads_where_the_python_stage_wrote() -> None:
    python, spark = pairs(PYTHON), pairs(SPARK)
    assert {
        name: python[name] for name in ("--staged_uri", "--staged_references_uri", "--job_id", "--contract_uri")
    } == {name: spark[name] for name in ("--staged_uri", "--staged_references_uri", "--job_id", "--contract_uri")}
    assert python["--manifest_uri"] == spark["--python_manifest_uri"]
