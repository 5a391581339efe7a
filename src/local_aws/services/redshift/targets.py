"""From a request to where and as whom it runs: cluster or workgroup, database, and the user of a secret or of IAM."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from local_aws.json_types import JsonMapping
from local_aws.services.redshift.model import ClusterInfo, Identity, Target
from local_aws.services.redshift.validation import validation_error

_Find = Callable[[str], ClusterInfo | None]


@dataclass(frozen=True)
class TargetFinder:
    """Finds targets by the callables that answer for the other services; ValidationException where AWS has one."""

    find_cluster: _Find
    find_workgroup: _Find | None
    get_secret: Callable[[str], str | None]

    def find(self, request: JsonMapping, caller: str) -> Target:
        """The target of ``request`` by ``caller`` (an IAM ARN)."""
        cluster, workgroup = self._place(request)
        identity = self._identity(request, cluster, caller)
        database = request.get("ConnectedDatabase") or request.get("Database")
        if not database:
            if "Database" not in request:
                raise validation_error("Database needs to be specified.")
            database = cluster.database
        return Target(cluster, database, identity, workgroup)

    def _place(self, request: JsonMapping) -> tuple[ClusterInfo, str | None]:
        identifier, workgroup = request.get("ClusterIdentifier"), request.get("WorkgroupName")
        if identifier is not None and workgroup is not None:
            raise validation_error("Only one of ClusterIdentifier and WorkgroupName can be specified.")
        if identifier is None and workgroup is None:
            raise validation_error("Either ClusterIdentifier or WorkgroupName needs to be specified.")
        if identifier is not None:
            cluster = self.find_cluster(identifier)
        elif self.find_workgroup is not None:
            cluster = self.find_workgroup(str(workgroup))
        else:
            raise validation_error("WorkgroupName (Redshift Serverless) is not implemented by this local endpoint")
        if cluster is None:
            raise validation_error("Redshift endpoint doesn't exist in this region.")
        if cluster.status.lower() != "available":
            raise validation_error(f"Cluster {cluster.identifier} is not available: its status is {cluster.status}")
        return cluster, workgroup

    def _identity(self, request: JsonMapping, cluster: ClusterInfo, caller: str) -> Identity:
        arn, user = request.get("SecretArn"), request.get("DbUser")
        if arn is None:
            return Identity(user or iam_user(caller), None)
        text = self.get_secret(arn)
        if text is None:
            raise validation_error(f"Secrets Manager can't find the specified secret: {arn}")
        try:
            secret = json.loads(text)
            name, password = secret["username"], secret["password"]
        except (ValueError, KeyError, TypeError) as error:
            raise validation_error(f"The secret {arn} is not a JSON object with username and password") from error
        named = secret.get("dbClusterIdentifier")
        if named is not None and named != cluster.identifier:
            raise validation_error(
                f"The secret {arn} is for cluster {named}, the request for {cluster.identifier}: they must be the same"
            )
        if user is not None and user != name:
            raise validation_error(f"DbUser {user} is not the user of the secret {arn}: leave DbUser out")
        return Identity(str(name), str(password), arn)


def iam_user(caller: str) -> str:
    """The database user of an IAM identity: ``IAM:user`` or ``IAMR:role``."""
    kind, _, rest = caller.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        return f"IAMR:{rest.split('/')[0]}"
    if kind == "user":
        return f"IAM:{rest.split('/')[-1]}"
    return f"IAM:{kind}"
