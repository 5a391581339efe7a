"""Requests that make or change a Glue job."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.errors import AwsError
from local_aws.services.glue.job_requests import check_job

# As Terraform's provider sends them.
COMMON = {
    "Role": "arn:aws:iam::000000000000:role/local-job",
    "DefaultArguments": {"--a": "b", "--additional-python-modules": ""},
    "Description": "Cleans: typed rows, and refused ones – with their reasons",
    "ExecutionProperty": {"MaxConcurrentRuns": 20},
    "MaxRetries": 0,
    "Timeout": 60,
}
SHELL = {
    **COMMON,
    "Command": {"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": "s3://bucket/script.py"},
    "MaxCapacity": 0.0625,
}
SPARK = {
    **COMMON,
    "Command": {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": "s3://bucket/script.py"},
    "ExecutionClass": "STANDARD",
    "GlueVersion": "5.1",
    "NumberOfWorkers": 2,
    "WorkerType": "G.1X",
}


@pytest.mark.parametrize("job", [SHELL, SPARK])
def test_a_job_is_made_and_changed(job: dict[str, Any]) -> None:
    check_job("CreateJob", {"Name": "local-job-python-param", "Tags": {"environment": "local"}, **job})
    check_job("UpdateJob", {"JobName": "local-job-python-param", "JobUpdate": job})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Command": {"Name": "spark"}}, "InvalidInputException"),
        ({"Command": {"Name": "glueetl", "PythonVersion": "4"}}, "ValidationException"),
        ({"MaxCapacity": 10.0}, "InvalidInputException"),
        ({"WorkerType": 7}, "ValidationException"),
    ],
)
def test_a_job_that_glue_has_not_is_neither_made_nor_changed(change: dict[str, Any], code: str) -> None:
    for operation, request in (
        ("CreateJob", {"Name": "j", **SPARK, **change}),
        ("UpdateJob", {"JobName": "j", "JobUpdate": {**SPARK, **change}}),
    ):
        with pytest.raises(AwsError) as refused:
            check_job(operation, request)
        assert refused.value.code == code
