"""What a request is checked on, for operations of which MiniStack names another resource than AWS, or none."""

from __future__ import annotations

from typing import Any

import pytest

from aws_facts.iam_resources import arn_forms
from local_aws.engines.ministack.resources import named

PLACE = "eu-central-1:123456789012"
JOB, RULE = f"arn:aws:glue:{PLACE}:job/p-x", f"arn:aws:events:{PLACE}:rule/p-x"
FUNCTION, GROUP = f"arn:aws:lambda:{PLACE}:function:p-x", f"arn:aws:scheduler:{PLACE}:schedule-group/p-x"


@pytest.mark.parametrize(
    ("action", "path", "members", "resource"),
    [
        *((f"events:{name}Rule", "/", {"Name": "p-x"}, RULE) for name in ("Put", "Describe", "Delete")),
        ("events:PutRule", "/", {"Name": "p-x", "EventBusName": "default"}, RULE),
        ("events:PutTargets", "/", {"Rule": "p-x", "Targets": []}, RULE),
        ("events:RemoveTargets", "/", {"Rule": "p-x", "Ids": []}, RULE),
        ("events:ListTargetsByRule", "/", {"Rule": "p-x"}, RULE),
        ("events:TagResource", "/", {"ResourceARN": RULE}, RULE),
        ("glue:CreateJob", "/", {"Name": "p-x", "Role": "r"}, JOB),
        ("glue:GetJob", "/", {"JobName": "p-x"}, JOB),
        ("glue:UpdateJob", "/", {"JobName": "p-x"}, JOB),
        ("glue:DeleteJob", "/", {"JobName": "p-x"}, JOB),
        ("glue:GetTags", "/", {"ResourceArn": JOB}, JOB),
        ("kms:CreateAlias", "/", {"AliasName": "alias/p-x", "TargetKeyId": "k"}, f"arn:aws:kms:{PLACE}:alias/p-x"),
        ("kms:DeleteAlias", "/", {"AliasName": "alias/p-x"}, f"arn:aws:kms:{PLACE}:alias/p-x"),
        ("lambda:CreateFunction", "/2015-03-31/functions", {"FunctionName": "p-x"}, FUNCTION),
        ("lambda:CreateFunction", "/2015-03-31/functions/", {"FunctionName": "p-x"}, FUNCTION),
        *(
            (f"redshift:{action}", "/", {"Action": action, **members}, f"arn:aws:redshift:{PLACE}:{resource}:p-x")
            for action, members, resource in (
                ("CreateCluster", {"ClusterIdentifier": "p-x", "ClusterSubnetGroupName": "other"}, "cluster"),
                ("ModifyClusterIamRoles", {"ClusterIdentifier": "p-x"}, "cluster"),
                ("CreateClusterParameterGroup", {"ParameterGroupName": "p-x"}, "parametergroup"),
                ("DescribeClusterParameters", {"ParameterGroupName": "p-x"}, "parametergroup"),
                ("DeleteClusterSubnetGroup", {"ClusterSubnetGroupName": "p-x"}, "subnetgroup"),
                ("CreateTags", {"ResourceName": f"arn:aws:redshift:{PLACE}:cluster:p-x"}, "cluster"),
            )
        ),
        ("scheduler:GetSchedule", "/schedules/s", {"groupName": "p-x"}, f"arn:aws:scheduler:{PLACE}:schedule/p-x/s"),
        ("scheduler:CreateSchedule", "/schedules/s", {"GroupName": "p-x"}, f"arn:aws:scheduler:{PLACE}:schedule/p-x/s"),
        ("scheduler:ListTagsForResource", "/tags/" + GROUP.replace(":", "%3A").replace("/", "%2F"), {}, GROUP),
        ("sns:ListTagsForResource", "/", {"ResourceArn": f"arn:aws:sns:{PLACE}:p-x"}, f"arn:aws:sns:{PLACE}:p-x"),
        (
            "states:ListTagsForResource",
            "/",
            {"resourceArn": f"arn:aws:states:{PLACE}:stateMachine:p-x"},
            f"arn:aws:states:{PLACE}:stateMachine:p-x",
        ),
    ],
)
def test_a_request_is_checked_on_what_aws_checks_it_on(
    action: str, path: str, members: dict[str, Any], resource: str
) -> None:
    service, _, operation = action.partition(":")
    assert named(service, operation, path, members, PLACE) == resource
    values = {"partition": "aws", "place": PLACE, "name": "p-x", "any": "s"}
    assert resource in [form.format(**values) for form in arn_forms(action)]


def test_a_rule_of_another_bus_has_it_in_its_arn() -> None:
    members = {"Name": "p-x", "EventBusName": f"arn:aws:events:{PLACE}:event-bus/mine"}
    assert named("events", "PutRule", "/", members, PLACE) == f"arn:aws:events:{PLACE}:rule/mine/p-x"


@pytest.mark.parametrize(
    ("service", "operation", "path"),
    [
        ("events", "PutEvents", "/"),
        ("glue", "StartJobRun", "/"),
        ("kms", "Decrypt", "/"),
        ("lambda", "", "/2015-03-31/functions/f/invocations"),
        ("scheduler", "", "/schedules"),
        ("s3", "", "/bucket/key"),
        ("redshift", "", "/"),
    ],
)
def test_what_ministack_knows_is_left_to_it(service: str, operation: str, path: str) -> None:
    assert named(service, operation, path, {"Name": "x", "KeyId": "x", "FunctionName": "x"}, PLACE) is None
