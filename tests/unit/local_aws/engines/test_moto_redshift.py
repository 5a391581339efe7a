"""The control plane of Redshift: what moto's clusters lack."""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import urlencode

import pytest

from local_aws.engines.moto_redshift import MotoRedshift

ROLE = "arn:aws:iam::000000000000:role/copy"
CLUSTER = {
    "ClusterIdentifier": "warehouse",
    "NodeType": "ra3.large",
    "DBName": "dev",
    "MasterUsername": "admin",
    "MasterUserPassword": "Secret-Passw0rd",
    "IamRoles.IamRoleArn.1": ROLE,
}


@pytest.fixture
def redshift() -> MotoRedshift:
    return MotoRedshift(
        account_id="000000000000", region="us-east-1", secrets_manager=cast(Any, None), on_deleted=lambda _: None
    )


def call(redshift: MotoRedshift, action: str, **form: str) -> str:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode({"Action": action, "Version": "2012-12-01", **form}).encode()
    status, _, answer = redshift.handle("POST", headers, body)
    assert status == 200, answer
    return answer.decode()


@pytest.mark.parametrize("default", [ROLE, None])
def test_a_cluster_has_the_default_role_that_it_was_made_with(redshift: MotoRedshift, default: str | None) -> None:
    call(redshift, "CreateCluster", **CLUSTER, **({"DefaultIamRoleArn": default} if default else {}))
    found = redshift.find_cluster("warehouse")
    assert found is not None
    assert (found.iam_roles, found.default_iam_role) == ((ROLE,), default)
    described = call(redshift, "DescribeClusters", ClusterIdentifier="warehouse")
    assert re.findall(r"<DefaultIamRoleArn>(.*?)</DefaultIamRoleArn>", described) == ([default] if default else [])
    call(redshift, "DeleteCluster", ClusterIdentifier="warehouse", SkipFinalClusterSnapshot="true")
    assert redshift.find_cluster("warehouse") is None


class Secrets:
    """Secrets Manager, as far as a managed password needs it."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def create_secret(self, *, Name: str, KmsKeyId: str, **_: str) -> dict[str, str]:  # noqa: N803
        self.keys.append(KmsKeyId)
        return {"ARN": f"arn:aws:secretsmanager:us-east-1:000000000000:secret:{Name}"}

    def delete_secret(self, **_: Any) -> None:
        self.keys.clear()


@pytest.mark.parametrize("key", ["arn:aws:kms:us-east-1:000000000000:key/one", None])
def test_a_managed_password_is_under_the_key_that_was_given_which_is_told(key: str | None) -> None:
    secrets = Secrets()
    redshift = MotoRedshift(
        account_id="000000000000", region="us-east-1", secrets_manager=cast(Any, secrets), on_deleted=lambda _: None
    )
    given = {name: value for name, value in CLUSTER.items() if name != "MasterUserPassword"}
    given |= {"ManageMasterPassword": "true", **({"MasterPasswordSecretKmsKeyId": key} if key else {})}
    call(redshift, "CreateCluster", **given)
    described = call(redshift, "DescribeClusters", ClusterIdentifier="warehouse")
    assert secrets.keys == [key or "alias/aws/secretsmanager"]
    told = re.findall(r"<MasterPasswordSecretKmsKeyId>(.*?)</MasterPasswordSecretKmsKeyId>", described)
    assert told == ([key] if key else [])
    call(redshift, "DeleteCluster", ClusterIdentifier="warehouse", SkipFinalClusterSnapshot="true")
