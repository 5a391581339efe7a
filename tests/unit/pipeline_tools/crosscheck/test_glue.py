"""The arguments of the Glue jobs: a break in the real files is reported at its line."""

from __future__ import annotations

import pytest

from tests.unit.pipeline_tools.crosscheck.conftest import Copy

PIPELINE = "infra/state_machines/pipeline.asl.yaml"
MAIN = "infra/main.tf"


@pytest.mark.parametrize(
    ("state", "argument", "package"),
    [("CleanWithPython", "source_uri", "glue_python_job"), ("TransformWithSpark", "curated_uris", "glue_spark_job")],
)
def test_a_missing_argument_is_reported(project: Copy, state: str, argument: str, package: str) -> None:
    line = project.break_(PIPELINE, f'"--{argument}"', '"--other"', after=f"  {state}:")
    place = project.break_(PIPELINE, "Arguments:\n", "Arguments:\n", after=f"  {state}:\n")
    wrong = rf"{state}: {package} refuses its arguments: .*required.*--{argument}"
    assert place < line
    project.assert_found(PIPELINE, place + 3, wrong, "pass it in Arguments, or in default_arguments of module")


@pytest.mark.parametrize(("after", "package"), [("", "glue_python_job"), ("Transform", "glue_spark_job")])
def test_a_surplus_argument_is_reported(project: Copy, after: str, package: str) -> None:
    line = project.break_(PIPELINE, '"--job_id":', '"--run_id": x\n        "--job_id":', after=after)
    project.assert_found(PIPELINE, line, f"{package} has no argument --run_id", "delete it, or add it")


def test_a_surplus_default_argument_is_reported(project: Copy) -> None:
    line = project.break_(MAIN, '"--code_version"', '"--version"', after='module "spark_job"')
    project.assert_found(MAIN, line, "glue_spark_job has no argument --version", "delete it, or add it")


@pytest.mark.parametrize("name", ["--conf", "--debug", "--mode", "--JOB_NAME", "--JOB_ID", "job_id", "--job-id"])
def test_a_name_that_glue_does_not_take_is_reported(project: Copy, name: str) -> None:
    line = project.break_(PIPELINE, '"--job_id":', f'"{name}": x\n        "--job_id":')
    project.assert_found(PIPELINE, line, f"{name} is not a name that an argument of a Glue job may have", "name it --")


def test_an_argument_of_spark_that_a_python_shell_job_would_not_heed_is_reported(project: Copy) -> None:
    line = project.break_(PIPELINE, '"--job_id":', '"--custom-logStream-prefix": x\n        "--job_id":')
    wrong = "--custom-logStream-prefix is heeded by Spark jobs alone, and python_job is a Python shell job"
    project.assert_found(PIPELINE, line, wrong, "delete it")


def test_an_argument_of_the_module_that_glue_does_not_know_is_reported(project: Copy) -> None:
    file = "infra/modules/glue_job/main.tf"
    line = project.break_(file, "--enable-metrics", "--enable-metric")
    project.assert_found(file, line, "--enable-metric is not an argument that Glue itself knows", "correct it")


def test_a_value_that_the_parser_refuses_is_reported(project: Copy) -> None:
    project.break_(PIPELINE, "{% $string($job.uris.curated) %}", "{% $job.uris.staged %}")
    found = [each for each in project.findings() if "--curated_uris is not JSON" in each]
    assert found


def test_a_job_that_terraform_does_not_make_is_reported(project: Copy) -> None:
    line = project.break_(PIPELINE, "JobName: ${python_job_name}", "JobName: ${lake_bucket}")
    project.assert_found(PIPELINE, line, "starts a Glue job that no module of infra/ has", "JobName")
