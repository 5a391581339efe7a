from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from pipeline import redshift

COMMON = {"redshift_database": "analytics", "redshift_secret_arn": "arn:aws:secretsmanager:us-east-1:1:secret:s"}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"redshift_cluster_identifier": "dev-redshift"}, {"ClusterIdentifier": "dev-redshift"}),
        ({"redshift_workgroup_name": "dev-redshift"}, {"WorkgroupName": "dev-redshift"}),
    ],
)
def test_a_statement_goes_to_the_cluster_or_the_workgroup(output: dict[str, str], expected: dict[str, Any]) -> None:
    client = boto3.session.Session().client(
        "redshift-data", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    request = {
        **expected,
        "Database": "analytics",
        "SecretArn": COMMON["redshift_secret_arn"],
        "Sql": "SELECT 1",
    }
    with Stubber(client) as stubber:
        stubber.add_response("execute_statement", {"Id": "1"}, request)
        stubber.add_response(
            "describe_statement", {"Id": "1", "Status": "FINISHED", "HasResultSet": False}, {"Id": "1"}
        )
        assert redshift.query(client, {**COMMON, **output}, "SELECT 1") == []
        stubber.assert_no_pending_responses()


def test_outputs_of_neither_are_refused() -> None:
    with pytest.raises(KeyError, match="redshift_cluster_identifier"):
        redshift.target(COMMON)


def test_the_administrator_is_another_user_only_where_there_are_two() -> None:
    assert redshift.as_administrator(COMMON) == COMMON
    admin = {**COMMON, "redshift_admin_secret_arn": "arn:aws:secretsmanager:us-east-1:1:secret:a"}
    assert redshift.as_administrator(admin)["redshift_secret_arn"] == admin["redshift_admin_secret_arn"]
