from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.model import StringShape

from local_aws.errors import AwsError
from local_aws.services import glue_runs
from local_aws.services.glue_process import script_arguments
from local_aws.services.glue_runs import effective_arguments


def test_every_state_of_the_api_is_known() -> None:
    shape = botocore.session.Session().get_service_model("glue").shape_for("JobRunState")
    assert isinstance(shape, StringShape)
    assert set(glue_runs.STATES) == set(shape.enum)


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


def test_a_script_gets_the_jobs_name_and_every_argument() -> None:
    argv = script_arguments("the-job", "jr_1", {"--job_id": "x y", "--empty": ""})
    assert dict(zip(argv[::2], argv[1::2], strict=True)) == {
        "--JOB_ID": "j_the-job",
        "--JOB_RUN_ID": "jr_1",
        "--JOB_NAME": "the-job",
        "--job_id": "x y",
        "--empty": "",
    }
