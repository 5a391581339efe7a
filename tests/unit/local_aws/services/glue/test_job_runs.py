from __future__ import annotations

import re
from typing import Any, cast

import pytest
from botocore import session
from botocore.model import StringShape

from aws_facts import glue
from local_aws.errors import AwsError
from local_aws.services.glue.job_runs import GlueJobRuns, effective_arguments
from local_aws.services.glue.process import script_arguments


def test_every_state_of_the_api_is_known() -> None:
    shape = session.Session().get_service_model("glue").shape_for("JobRunState")
    assert isinstance(shape, StringShape)
    assert set(glue.JOB_RUN_STATES) == set(shape.enum)


def test_a_runs_arguments_win_over_defaults_and_lose_to_what_may_not_be_overridden() -> None:
    job = {
        "DefaultArguments": {"--a": "default", "--b": "default"},
        "NonOverridableArguments": {"--c": "fixed"},
    }
    assert effective_arguments(job, {"--b": "run", "--c": "run"}) == {"--a": "default", "--b": "run", "--c": "fixed"}


@pytest.mark.parametrize(("name", "value"), [("job_id", "1"), ("--job_id", 1), ("--job_id", None)])
def test_an_argument_that_glue_refuses_is_refused(name: str, value: object) -> None:
    with pytest.raises(AwsError, match=re.escape(f"argument {name!r}: {value!r}; accepted")):
        effective_arguments({}, {name: value})


def test_more_arguments_than_glue_takes_are_refused() -> None:
    most = glue.MOST_ARGUMENT_BYTES - len("--a") - len("--b") - 1
    assert effective_arguments({"DefaultArguments": {"--b": "1"}}, {"--a": "é" * (most // 2)})
    with pytest.raises(AwsError, match=r"the arguments take 260,001 bytes; accepted: 260,000 bytes in all") as refused:
        effective_arguments({"DefaultArguments": {"--b": "1"}}, {"--a": "x" * (most + 1)})
    assert refused.value.code == "InvalidInputException"


def test_a_start_is_refused_with_the_errors_of_the_api() -> None:
    job = {"Name": "job", "Command": {"Name": "pythonshell"}}
    runs = GlueJobRuns(find_job={"job": job}.get, processes=cast(Any, None))
    requests: dict[str, dict[str, Any]] = {
        "EntityNotFoundException": {"JobName": "other"},
        "InvalidInputException": {"JobName": "job", "MaxCapacity": 2.0},
    }
    start = session.Session().get_service_model("glue").operation_model("StartJobRun")
    known = {shape.name for shape in start.error_shapes}
    for code, request in requests.items():
        with pytest.raises(AwsError) as refused:
            runs.handle("StartJobRun", request)
        assert refused.value.code == code
    assert {*requests, "ConcurrentRunsExceededException"} <= known


@pytest.mark.parametrize(
    ("operation", "request_", "said"),
    [
        ("StartJobRun", {}, "Value null at 'jobName' failed to satisfy constraint: Member must not be null"),
        ("StartJobRun", {"JobName": "job", "Foo": 1}, "Unknown parameter Foo"),
        ("StartJobRun", {"JobName": "job", "Timeout": 0}, "'timeout' .*greater than or equal to 1"),
        ("StartJobRun", {"JobName": "job", "Arguments": {"--a": 1}}, "'arguments.--a' .*of type string"),
        ("StartJobRun", {"JobName": "x" * 256}, "'jobName' .*less than or equal to 255"),
        ("GetJobRuns", {"JobName": "job", "MaxResults": 201}, "'maxResults' .*less than or equal to 200"),
        ("GetJobRuns", {"JobName": "job", "MaxResults": 0}, "'maxResults' .*greater than or equal to 1"),
        ("GetJobRuns", {"JobName": "job", "NextToken": "x"}, "NextToken 'x'"),
        ("GetJobRuns", {"JobName": "job", "NextToken": "-1"}, "NextToken '-1'"),
        ("GetJobRun", {"JobName": "job"}, "'runId' .*not be null"),
        ("BatchStopJobRun", {"JobName": "job", "JobRunIds": []}, "'jobRunIds' .*greater than or equal to 1"),
        ("BatchStopJobRun", {"JobName": "job", "JobRunIds": ["jr"] * 26}, "'jobRunIds' .*less than or equal to 25"),
    ],
)
def test_a_request_is_held_to_the_model(operation: str, request_: dict[str, Any], said: str) -> None:
    job = {"Name": "job", "Command": {"Name": "pythonshell"}}
    runs = GlueJobRuns(find_job={"job": job}.get, processes=cast(Any, None))

    with pytest.raises(AwsError, match=said) as refused:
        runs.handle(operation, request_)
    assert refused.value.code == "ValidationException"


def test_a_script_gets_the_jobs_name_and_every_argument() -> None:
    argv = script_arguments("the-job", "jr_1", {"--job_id": "x y", "--empty": ""})
    assert dict(zip(argv[::2], argv[1::2], strict=True)) == {
        "--JOB_ID": "j_the-job",
        "--JOB_RUN_ID": "jr_1",
        "--JOB_NAME": "the-job",
        "--job_id": "x y",
        "--empty": "",
    }
