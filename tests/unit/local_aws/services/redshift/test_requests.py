"""Requests held to the API's model, and the target they name; no server is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.errors import AwsError
from local_aws.services.redshift.model import ClusterInfo
from local_aws.services.redshift.targets import TargetFinder, iam_user
from local_aws.services.redshift.validation import check_request

CLUSTER = ClusterInfo("warehouse", "available", "dev", "admin")


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("ExecuteStatement", {}, "Value null at 'sql'"),
        ("ExecuteStatement", {"Sql": "x", "Query": "y"}, "Unknown parameter Query"),
        ("ExecuteStatement", {"Sql": 1}, "Member must be of type string"),
        ("ExecuteStatement", {"Sql": "x", "WithEvent": "yes"}, "Member must be of type boolean"),
        ("ExecuteStatement", {"Sql": "x", "ClientToken": "x" * 65}, "less than or equal to 64"),
        ("ExecuteStatement", {"Sql": "x", "Parameters": []}, "'parameters' failed to satisfy constraint"),
        ("ExecuteStatement", {"Sql": "x", "Parameters": [{"name": "a", "value": ""}]}, "greater than or equal to 1"),
        ("ExecuteStatement", {"Sql": "x", "Parameters": [{"name": "a-b", "value": "x"}]}, "regular expression"),
        ("ExecuteStatement", {"Sql": "x", "Parameters": [{"name": "a"}]}, "parameters.1.member.value"),
        ("ExecuteStatement", {"Sql": "x", "ResultFormat": "XML"}, "enum value set: [JSON, CSV]"),
        ("ExecuteStatement", {"Sql": "x", "WaitTimeSeconds": 31}, "value less than or equal to 30"),
        ("BatchExecuteStatement", {"Sqls": []}, "length greater than or equal to 1"),
        ("BatchExecuteStatement", {"Sqls": ["select 1"] * 41}, "length less than or equal to 40"),
        ("BatchExecuteStatement", {"Sqls": ["x"], "ExecutionMode": "FAST"}, "[TRANSACTION, AUTO_COMMIT]"),
        ("DescribeStatement", {"Id": "x"}, "regular expression pattern"),
    ],
)
def test_what_the_model_does_not_allow(operation: str, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError) as caught:
        check_request(operation, request_)
    assert caught.value.code == "ValidationException"
    assert caught.value.status == 400
    assert message in caught.value.message


def test_a_request_that_the_model_allows() -> None:
    parameters = [{"name": "a", "value": "x"}]
    check_request("ExecuteStatement", {"Sql": "x", "Parameters": parameters, "WithEvent": True, "Database": None})


def finder(secret: Any = None, **found: Any) -> TargetFinder:
    text = secret if isinstance(secret, str) or secret is None else json.dumps(secret)
    return TargetFinder(lambda name: found.get(name), None, lambda _arn: text)


@pytest.mark.parametrize(
    ("request_", "secret", "message"),
    [
        ({}, None, "Either ClusterIdentifier or WorkgroupName needs to be specified."),
        ({"ClusterIdentifier": "other", "Database": "dev"}, None, "Redshift endpoint doesn't exist in this region."),
        ({"WorkgroupName": "wg", "Database": "dev"}, None, "WorkgroupName (Redshift Serverless) is not implemented"),
        ({"ClusterIdentifier": "warehouse", "WorkgroupName": "wg"}, None, "Only one of"),
        ({"ClusterIdentifier": "warehouse"}, None, "Database needs to be specified."),
        ({"ClusterIdentifier": "paused", "Database": "dev"}, None, "its status is paused"),
        (
            {"ClusterIdentifier": "warehouse", "Database": "d", "SecretArn": "s"},
            None,
            "can't find the specified secret",
        ),
        ({"ClusterIdentifier": "warehouse", "Database": "d", "SecretArn": "s"}, "text", "not a JSON object"),
        ({"ClusterIdentifier": "warehouse", "Database": "d", "SecretArn": "s"}, {"username": "x"}, "not a JSON object"),
        (
            {"ClusterIdentifier": "warehouse", "Database": "d", "SecretArn": "s"},
            {"username": "x", "password": "y", "dbClusterIdentifier": "other"},
            "is for cluster other",
        ),
        (
            {"ClusterIdentifier": "warehouse", "Database": "d", "SecretArn": "s", "DbUser": "z"},
            {"username": "x", "password": "y"},
            "leave DbUser out",
        ),
    ],
)
def test_targets_that_are_refused(request_: dict[str, Any], secret: Any, message: str) -> None:
    paused = ClusterInfo("paused", "paused", "dev", "admin")
    with pytest.raises(AwsError) as caught:
        finder(secret, warehouse=CLUSTER, paused=paused).find(request_, "arn:aws:iam::123456789012:root")
    assert caught.value.code == "ValidationException"
    assert message in caught.value.message


def test_a_workgroup_is_served_where_somebody_answers_for_it() -> None:
    found = TargetFinder(lambda _: None, {"wg": CLUSTER}.get, lambda _: None).find(
        {"WorkgroupName": "wg", "Database": "dev"}, "arn:aws:iam::123456789012:user/ann"
    )
    assert (found.workgroup, found.identity.user) == ("wg", "IAM:ann")


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        ("arn:aws:iam::123456789012:root", "IAM:root"),
        ("arn:aws:iam::123456789012:user/team/ann", "IAM:ann"),
        ("arn:aws:sts::123456789012:assumed-role/etl/session", "IAMR:etl"),
    ],
)
def test_iam_identities_have_database_users(arn: str, user: str) -> None:
    assert iam_user(arn) == user
