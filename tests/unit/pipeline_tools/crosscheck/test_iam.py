"""What the roles may do: a break in the real Terraform is reported at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools.crosscheck.apis import Api
from pipeline_tools.crosscheck.hcl import Infra
from tests.unit.pipeline_tools.crosscheck.conftest import Copy

PIPELINE = "infra/state_machines/pipeline.asl.yaml"
FAILURE = "infra/state_machines/record-failure.asl.yaml"
RUN_SQL = "infra/state_machines/run-sql.asl.yaml"
MAIN = "infra/main.tf"
JOB = "infra/modules/glue_job/iam.tf"


@pytest.mark.parametrize(
    ("action", "file", "state", "api"),
    [
        ("glue:BatchStopJobRun", PIPELINE, "CleanWithPython", "glue:startJobRun.sync"),
        ("events:DescribeRule", PIPELINE, "RegisterJob", "states:startExecution.sync:2"),
        ("states:StopExecution", FAILURE, "RecordFailure", "states:startExecution.sync:2"),
        ("lambda:InvokeFunction", FAILURE, "DescribeFailure", "lambda:invoke"),
        ("sns:Publish", FAILURE, "Notify", "sns:publish"),
        ("states:GetExecutionHistory", FAILURE, "FindFailedState", "aws-sdk:sfn:getExecutionHistory"),
        ("s3:PutObject", PIPELINE, "WriteLoadManifest", "aws-sdk:s3:putObject"),
        ("redshift-data:CancelStatement", RUN_SQL, "CancelStatement", "aws-sdk:redshiftdata:cancelStatement"),
    ],
)
def test_a_call_that_the_role_may_not_make_is_reported(
    project: Copy, action: str, file: str, state: str, api: str
) -> None:
    project.break_(MAIN, f'"{action}"', '"iam:PassRole"')
    line = project.break_(file, "Resource:", "Resource:", after=f"\n  {state}:\n")
    project.assert_found(
        file, line, f"state {state} calls {api}, for which its role lacks {action}", "add it to policy"
    )


def test_a_call_within_a_map_is_one_of_the_machine(project: Copy) -> None:
    project.break_(MAIN, '"s3:GetObject"', '"iam:PassRole"', after='"ReadEvidence"')
    line = project.break_(FAILURE, "Resource:", "Resource:", after="\n        ReadFile:\n")
    project.assert_found(FAILURE, line, "state ReadFile calls .*, for which its role lacks s3:GetObject", "add it to")


def test_a_statement_without_credentials_is_reported(project: Copy) -> None:
    project.break_(MAIN, '"secretsmanager:GetSecretValue"', '"redshift-data:ExecuteStatement"')
    line = project.break_(RUN_SQL, "Resource:", "Resource:")
    wrong = "ExecuteBatch calls .*, for which its role lacks one of .*secretsmanager:GetSecretValue"
    project.assert_found(RUN_SQL, line, wrong, "module run_sql")


@pytest.mark.parametrize(
    ("old", "new", "machine"),
    [
        ('"s3:PutObject"', '"s3:PutObject", "s3:DeleteObject"', "pipeline.asl.yaml"),
        ('"sns:Publish"', '"sns:Publish", "s3:DeleteObject"', "record-failure.asl.yaml"),
        ('"kms:GenerateDataKey"', '"kms:GenerateDataKey", "s3:DeleteObject"', "pipeline.asl.yaml"),
    ],
)
def test_an_action_that_nothing_needs_is_reported(project: Copy, old: str, new: str, machine: str) -> None:
    line = project.break_(MAIN, old, new)
    project.assert_found(MAIN, line, f"{machine} calls nothing that needs s3:DeleteObject", "delete it from")


@pytest.mark.parametrize("file", [MAIN, "infra/modules/glue_job/iam.tf"])
def test_a_wildcard_in_an_action_is_reported(project: Copy, file: str) -> None:
    line = project.break_(file, '"s3:GetObject"', '"s3:Get*"')
    project.assert_found(file, line, r"action s3:Get\* has a wildcard", "name each action")


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        (', "logs:PutLogEvents"', "", "WriteLogs lacks logs:PutLogEvents"),
        ('"s3:AbortMultipartUpload", ', "", "WriteObjects lacks s3:AbortMultipartUpload"),
        ('"s3:GetBucketLocation", ', "", "ListBuckets lacks s3:GetBucketLocation"),
        ('"s3:ListBucketMultipartUploads"', '"s3:ListAllMyBuckets"', "ListUploads allows s3:ListAllMyBuckets"),
        ('"logs:PutLogEvents"', '"logs:PutLogEvents", "logs:GetLogEvents"', "WriteLogs allows logs:GetLogEvents"),
    ],
)
def test_a_job_that_may_do_more_or_less_is_reported(project: Copy, old: str, new: str, wrong: str) -> None:
    line = project.break_(JOB, old, new)
    project.assert_found(JOB, line, wrong, "permissions.py")


def test_a_statement_of_a_job_that_is_gone_is_reported(project: Copy) -> None:
    project.break_(JOB, '"WriteLogs"', '"Logs"')
    project.assert_found(JOB, 1, "there is no statement WriteLogs")


def test_statements_are_found_behind_conditions_and_locals(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(
        """
        locals {
          shared  = { sid = "A", actions = ["a:One"] }
          by_mode = {
            one = [{ sid = "B", actions = ["b:One", "b:Two"] }]
            two = var.x ? [{ sid = "C", actions = ["c:One"] }] : []
          }
        }
        module "m" {
          source = "./modules/state_machine"
          policy_statements = concat(
            [local.shared], local.by_mode[var.mode], var.y == null ? [] : local.by_mode.two,
            [for arn in var.arns : { sid = "D", actions = ["d:One"], resources = [arn] }],
          )
        }
        """,
        encoding="utf-8",
    )
    infra = Infra.read(tmp_path)
    found = infra.statements(infra.modules["m"].attributes["policy_statements"])
    assert {(each.sid, *(action for action, _, _ in each.actions)) for each in found} == {
        ("A", "a:One"),
        ("B", "b:One", "b:Two"),
        ("C", "c:One"),
        ("D", "d:One"),
    }


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "is not an integration"),
        ("arn:aws:states:::aws-sdk:iam:createUser", "service 'iam' is not among those"),
        ("arn:aws:states:::lambda:invoke.sync", "lambda:invoke.sync is not known"),
    ],
)
def test_a_resource_that_is_not_known_is_refused(resource: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Api.read(resource)


def test_a_wildcard_for_anybody_but_the_account_itself_is_reported(project: Copy) -> None:
    file = "infra/modules/kms_key/iam.tf"
    line = project.break_(file, "${var.account_id}:root", "${var.account_id}:user/somebody")
    project.assert_found(file, line + 1, r"action kms:\* has a wildcard", "name each action")
