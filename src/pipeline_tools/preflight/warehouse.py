"""The warehouse of a deployment, as far as the needs of roles depend on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dataset_contract.json_types import JsonMapping

# How Redshift Serverless calls the key of a namespace that was given none.
_OWNED_BY_AWS: Final = "AWS_OWNED_KMS_KEY"


@dataclass(frozen=True)
class DeployedWarehouse:
    """A cluster or a workgroup.

    Attributes:
        arn: what the Data API's statements are checked on.
        kms_key: that encrypts it; None for one that AWS owns.
        copy_role: the ARN of its default IAM role, by which COPY reads; None where none is set.
    """

    arn: str
    kms_key: str | None
    copy_role: str | None

    @classmethod
    def of_cluster(cls, client: Callable[[str], Any], name: str, arn_prefix: str) -> DeployedWarehouse:
        """A cluster by its identifier; `arn_prefix` is what its ARN has before that."""
        found: JsonMapping = client("redshift").describe_clusters(ClusterIdentifier=name)["Clusters"][0]
        return cls(arn_prefix + name, found.get("KmsKeyId"), found.get("DefaultIamRoleArn"))

    @classmethod
    def of_workgroup(cls, client: Callable[[str], Any], name: str) -> DeployedWarehouse:
        """A workgroup by its name: its namespace has the key and the role."""
        serverless = client("redshift-serverless")
        workgroup = serverless.get_workgroup(workgroupName=name)["workgroup"]
        namespace = serverless.get_namespace(namespaceName=workgroup["namespaceName"])["namespace"]
        key = namespace.get("kmsKeyId")
        return cls(workgroup["workgroupArn"], None if key == _OWNED_BY_AWS else key, namespace.get("defaultIamRoleArn"))
