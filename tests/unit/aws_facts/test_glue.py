"""Which jobs Glue makes."""

from __future__ import annotations

from typing import Any

import pytest

from aws_facts.glue import job_refusal

SPARK = {"Command": {"Name": "glueetl", "PythonVersion": "3"}, "GlueVersion": "5.1", "WorkerType": "G.1X"}
SHELL = {"Command": {"Name": "pythonshell", "PythonVersion": "3.9"}, "MaxCapacity": 0.0625}


@pytest.mark.parametrize("job", [SPARK, SHELL, {"Command": {"Name": "glueetl", "PythonVersion": "2"}}])
def test_jobs_that_glue_makes(job: dict[str, Any]) -> None:
    assert job_refusal(job) == ""


@pytest.mark.parametrize(
    ("job", "named"),
    [
        ({}, "[]"),
        ({"Command": {"Name": "spark"}}, "[spark]"),
        ({**SPARK, "Command": {"Name": "glueetl", "PythonVersion": "3.9"}}, "PythonVersion [3.9]"),
        ({**SHELL, "Command": {"Name": "pythonshell", "PythonVersion": "3.10"}}, "PythonVersion [3.10]"),
        ({**SPARK, "GlueVersion": "6.0"}, "GlueVersion [6.0]"),
        ({**SPARK, "Command": {"Name": "glueetl", "PythonVersion": "2"}}, "PythonVersion [2]"),
        ({**SHELL, "WorkerType": "G.1X"}, "Worker Type is not supported"),
        ({**SHELL, "MaxCapacity": 2.0}, "MaxCapacity [2.0]"),
        ({**SPARK, "MaxCapacity": 10.0}, "do not set Max Capacity"),
    ],
)
def test_jobs_that_glue_refuses(job: dict[str, Any], named: str) -> None:
    assert named in job_refusal(job)
