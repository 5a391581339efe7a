"""The structure of a state machine: a break in the real file is reported at its line."""

from __future__ import annotations

import pytest

from tests.unit.pipeline_tools.crosscheck.conftest import Copy

PIPELINE = "infra/state_machines/pipeline.asl.yaml"
FAILURE = "infra/state_machines/record-failure.asl.yaml"
RUN_SQL = "infra/state_machines/run-sql.asl.yaml"


@pytest.mark.parametrize(
    ("file", "after", "old", "new", "wrong", "todo"),
    [
        (PIPELINE, "", "StartAt: IsContinued", "StartAt: Start", "StartAt 'Start' is not a state", "IsContinued"),
        (PIPELINE, "", "Next: RegisterJob", "Next: Register", "goes on to 'Register'", "the states are IsContinued"),
        (FAILURE, 'audit: "{% ($cause', "Next: Notify", "Next: Tell", "RecordFailure goes on to 'Tell'", "Notify"),
        (RUN_SQL, "", "Default: CancelStatement", "Default: Cancel", "goes on to 'Cancel'", "CancelStatement"),
        (RUN_SQL, "$result_id !=", "Next: ReadResult", "Next: Read", "IsFinished goes on to 'Read'", "ReadResult"),
        (PIPELINE, "JobSucceeded:", "End: true", "End: false", "End of state JobSucceeded is False", "End: true"),
        (PIPELINE, "", "QueryLanguage: JSONata", "QueryLanguage: JSONPath", "QueryLanguage is not", "JSONata"),
        (PIPELINE, "RegisterJob:", "Output:", "ResultSelector:", "ResultSelector .* belongs to JSONPath", "Output"),
        (
            PIPELINE,
            "RegisterJob:",
            "Input:",
            "Input.$:",
            "Input.. of state RegisterJob belongs to JSONPath",
            "expression",
        ),
        (RUN_SQL, "WaitToLookAgain:", "Comment:", "Resource:", "Wait state WaitToLookAgain cannot have", "Seconds"),
        (RUN_SQL, "WaitToLookAgain:", "Type: Wait", "Type: Sleep", "has Type 'Sleep'", "use Task"),
        (PIPELINE, "", "MaxAttempts: 6", "MaxAttempt: 6", "Retry of state GenerateJobId cannot have", "MaxAttempts"),
        (PIPELINE, "", "Glue.ThrottlingException", "Glue.ThrotlingException", "is no error of glue:startJobRun", ""),
        (PIPELINE, "", "Lambda.ServiceException", "Glue.ServiceException", "is no error of lambda:invoke", ""),
        (FAILURE, "", "[States.ALL]", "[States.All]", "States.All is no error of Step Functions", "States.ALL"),
        (FAILURE, "", "[States.ALL]", "[States.ALL, States.Timeout]", "States.ALL among other errors", "alone"),
        (PIPELINE, "", "glue:startJobRun.sync", "glue:startJob.sync", "glue:startJob.sync is not known", "Resource"),
        (PIPELINE, "", "s3:getObject", "s3:getObjects", "s3 has no action 'getObjects'", "Resource"),
        (FAILURE, "", "JobRunIds: ", "RunIds: ", "has no argument RunIds", "JobRunIds"),
        (RUN_SQL, "Done:", "Type: Pass", "Type: Pass: Pass", "not YAML", "correct it"),
    ],
)
def test_a_broken_structure_is_reported_where_it_is(
    project: Copy, file: str, after: str, old: str, new: str, wrong: str, todo: str
) -> None:
    line = project.break_(file, old, new, after=after)
    project.assert_found(file, line, wrong, todo)


def test_a_key_that_is_there_twice_is_reported(project: Copy) -> None:
    line = project.break_(RUN_SQL, "Type: Pass", "Type: Pass\n    Type: Pass", after="Done:")
    project.assert_found(RUN_SQL, line + 1, "the key Type occurs twice", "delete one of them")


@pytest.mark.parametrize(
    ("file", "state", "old", "new", "wrong"),
    [
        (PIPELINE, "WriteLoadManifest", "Next: WriteLoadManifest", "Next: JobSucceeded", "is never reached from"),
        (RUN_SQL, "CancelStatement", "Default: CancelStatement", "Default: Done", "is never reached from WhatIsAsked"),
    ],
)
def test_a_state_that_nothing_reaches_is_reported(
    project: Copy, file: str, state: str, old: str, new: str, wrong: str
) -> None:
    project.break_(file, old, new)
    line = project.break_(file, f"\n  {state}:", f"\n  {state}:") + 1
    project.assert_found(file, line, f"state {state} {wrong}", "delete it")


def test_a_state_without_an_end_is_reported(project: Copy) -> None:
    line = project.break_(RUN_SQL, "    End: true\n", "", after="Done:")
    project.assert_found(RUN_SQL, line - 6, "state Done has neither Next and End", "write one of them")


def test_a_missing_argument_is_reported(project: Copy) -> None:
    line = project.break_(PIPELINE, "      JobName: ${python_job_name}\n", "")
    project.assert_found(PIPELINE, line, "glue:startJobRun.sync requires the argument JobName", "add it")


def test_a_variable_that_terraform_does_not_give_is_reported(project: Copy) -> None:
    line = project.break_(PIPELINE, "${lake_bucket}", "${lake}")
    project.assert_found(PIPELINE, line, r"\$\{lake\} is not given", "definition_variables of module pipeline")


def test_a_variable_that_no_template_uses_is_reported(project: Copy) -> None:
    line = project.break_("infra/main.tf", "    topic_arn ", "    topic = 1\n    topic_arn ")
    project.assert_found("infra/main.tf", line, "topic is not used by record-failure", "delete it")
