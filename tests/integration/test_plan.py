"""The review of a plan, against what is deployed: a changed copy of infra/, planned for real."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline_tools.claims import claimed, write_whole
from pipeline_tools.deployed import local_url
from pipeline_tools.environments import ROOT
from pipeline_tools.plan_review.__main__ import save
from pipeline_tools.terraform import INFRA, Deployment
from tests.integration.conftest import Pipeline

# What a reviewer sees of a comment without scrolling.
FIRST_SCREEN = 40


class Configuration:
    """A copy of infra/ that a test may change, planned against the deployment of the other tests."""

    def __init__(self, deployed: Deployment, directory: Path) -> None:
        self._directory = directory
        self._infra = directory / "infra"
        shutil.copytree(INFRA, self._infra, ignore=shutil.ignore_patterns(".terraform"))
        # Where it is by default, seen from the copy: the state has the relative paths of the files.
        (directory / "build").symlink_to(ROOT / "build")
        # Terraform keeps where the modules are beside the state, so the copy has a copy of that, too.
        assert deployed.directory
        own = directory / "terraform"
        own.mkdir()
        shutil.copy(deployed.directory / "terraform.tfstate", own)
        self._deployment = Deployment(deployed.environment, own, deployed.endpoint_url, deployed.region, self._infra)
        self._deployment.init()

    def change(self, file: str, before: str, after: str) -> None:
        path = self._infra / file
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{file} no longer has, once: {before}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def plan(self) -> tuple[bool, str]:
        """Whether there are changes, and the summary."""
        changes = save(self._deployment, self._directory / "plan", against="the tests' deployment", lock=False)
        return changes, (self._directory / "plan" / "local.md").read_text(encoding="utf-8")


@pytest.fixture
def configuration(pipeline: Pipeline, deployment: Deployment, tmp_path: Path) -> Configuration:
    return Configuration(deployment, tmp_path)


def test_an_unchanged_configuration_has_no_changes(configuration: Configuration) -> None:
    changes, summary = configuration.plan()
    assert not changes
    assert "**No changes** against the tests' deployment." in summary


def test_an_argument_a_statement_and_a_bucket_are_on_the_first_screen(configuration: Configuration) -> None:
    configuration.change(
        "state_machines/pipeline.asl.yaml",
        '"--rejected_uri": "{% $job.uris.rejected %}"',
        '"--rejected_uri": "{% $job.uris.refused %}"',
    )
    configuration.change("modules/glue_job/iam.tf", "      [local.statements.logs],\n", "")
    configuration.change("locals.tf", "${local.prefix}-lake-", "${local.prefix}-pond-")

    changes, summary = configuration.plan()

    assert changes
    first = summary.splitlines()[:FIRST_SCREEN]
    assert " 0 to delete, " in first[2]

    bucket = [line for line in first if line.startswith("- **replace** ") and "⚠ **data loss**: every object" in line]
    assert len(bucket) == 1, summary
    assert '`module.storage.aws_s3_bucket.this["lake"]`: `bucket`: `"local-lake-' in bucket[0]
    assert ' → `"local-pond-' in bucket[0]

    roles = [line for line in first if line.startswith("- `module.") and ".aws_iam_role_policy.this`: `policy`" in line]
    assert ["python_job" in roles[0], "spark_job" in roles[1], len(roles)] == [True, True, 2], summary
    removed = [line for line in first if line.startswith("  - **removed** `WriteLogs`: Allow Action ")]
    assert len(removed) == 2, summary
    assert "`logs:PutLogEvents`" in removed[0]

    argument = (
        '  - `CleanWithPython.Arguments.--rejected_uri`: `"{% $job.uris.rejected %}"` → `"{% $job.uris.refused %}"`'
    )
    assert argument in first, summary

    # What only has another bucket's name now is not told as a change of its own.
    assert "ReadPythonManifest" not in summary
    assert "nothing else changes in " in summary


def test_the_endpoint_of_a_session_is_found_by_the_file_that_it_wrote(pipeline: Pipeline, tmp_path: Path) -> None:
    with claimed(tmp_path / "local", "a test") as directory:
        write_whole(directory / "outputs.json", pipeline.outputs)
        assert local_url(directory) == pipeline.endpoint_url
    assert local_url(directory) is None
