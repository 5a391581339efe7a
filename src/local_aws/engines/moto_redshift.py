"""The control plane of Redshift (clusters, their tags and groups) by moto's response classes, called in-process."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from local_aws.services.redshift.data_api import ClusterInfo

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Response = tuple[int, dict[str, str], bytes]
NewRequest = Callable[[str, str, dict[str, str], bytes], Any]

# What moto's cluster lacks and the Terraform provider waits for or reads back.
_MISSING_ATTRIBUTES = {
    "cluster_availability_status": "Available",
    "availability_zone_relocation_status": "disabled",
    "multi_az": "Disabled",
    "maintenance_track_name": "current",
    "manual_snapshot_retention_period": -1,
}


class MotoRedshift:
    """Answers Redshift's Query API.

    What moto does not know is added: a master password that AWS manages, as a secret in Secrets Manager under the
    key that was given, and the default role.
    """

    def __init__(
        self,
        *,
        account_id: str,
        region: str,
        secrets_manager: SecretsManagerClient,
        on_deleted: Callable[[str], None],
        new_request: NewRequest | None = None,
        secret_prefix: str = "redshift!",
    ) -> None:
        os.environ["MOTO_ACCOUNT_ID"] = account_id
        # moto's process-wide switch: without it, access keys would name accounts of their own.
        from moto.redshift.models import redshift_backends
        from moto.redshift.responses import RedshiftResponse

        self._backend = redshift_backends[account_id][region]
        self._dispatch = RedshiftResponse.dispatch
        self._region = region
        self._on_deleted = on_deleted
        self._secret_prefix = secret_prefix
        # LocalStack's fork of moto takes a request of another class.
        self._new_request = new_request or _new_request
        self._secrets_manager = secrets_manager
        # Of clusters whose password AWS manages: the secret's ARN, the password, the secret's key as it was given.
        self._managed: dict[str, tuple[str, str, str | None]] = {}
        # The default role of each cluster that has one: its ARN.
        self._default_roles: dict[str, str] = {}
        self._lock = threading.Lock()

    def handle(self, method: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request of the Query API."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        action, identifier = form.get("Action", ""), form.get("ClusterIdentifier", "")
        with self._lock:  # moto's models are not made for threads
            url = f"https://redshift.{self._region}.amazonaws.com/"
            request = self._new_request(method, url, dict(headers), body)
            try:
                status, answered, content = self._dispatch(request, url, request.headers)
            except NotImplementedError:
                return _not_implemented(action)
            if status < 400 and action == "CreateCluster":
                self._complete(identifier, form)
            elif status < 400 and action == "DeleteCluster":
                self._forget(identifier)
            text = content.decode() if isinstance(content, bytes) else str(content)
        plain = {str(name): str(value) for name, value in dict(answered).items() if name.lower() != "status"}
        return int(status), plain, self._completed(text).encode()

    def find_cluster(self, identifier: str) -> ClusterInfo | None:
        """A cluster as the Redshift Data API needs to know it."""
        with self._lock:
            cluster: Any = self._backend.clusters.get(identifier)
            if cluster is None:
                return None
            return ClusterInfo(
                identifier=identifier,
                status=cluster.status,
                database=cluster.db_name,
                master_username=cluster.master_username,
                iam_roles=tuple(cluster.iam_roles_arn),
                default_iam_role=self._default_roles.get(identifier),
                master_password=self._managed[identifier][1]
                if identifier in self._managed
                else cluster.master_user_password,
            )

    def key_of(self, arn: str) -> str | None:
        """The customer-managed key of a cluster, by the cluster's ARN; None for AWS's own, and for no such cluster."""
        with self._lock:
            cluster: Any = self._backend.clusters.get(arn.rpartition(":")[2])
            return getattr(cluster, "kms_key_id", None) or None

    def _complete(self, identifier: str, form: Mapping[str, str]) -> None:
        cluster: Any = self._backend.clusters[identifier]
        for name, value in _MISSING_ATTRIBUTES.items():
            setattr(cluster, name, value)
        cluster.preferred_maintenance_window = cluster.preferred_maintenance_window.lower()  # as AWS gives it
        if "DefaultIamRoleArn" in form:
            self._default_roles[identifier] = form["DefaultIamRoleArn"]
        if form.get("ManageMasterPassword", "").lower() == "true":
            secret = {"username": form["MasterUsername"], "password": secrets.token_urlsafe(24)}
            key = form.get("MasterPasswordSecretKmsKeyId")
            answer = self._secrets_manager.create_secret(
                Name=f"{self._secret_prefix}{identifier}-{form['MasterUsername']}",
                Description=f"Master password of the cluster {identifier}",
                SecretString=json.dumps(secret),
                KmsKeyId=key or "alias/aws/secretsmanager",
            )
            self._managed[identifier] = (answer["ARN"], secret["password"], key)

    def _forget(self, identifier: str) -> None:
        self._default_roles.pop(identifier, None)
        managed = self._managed.pop(identifier, None)
        if managed:
            self._secrets_manager.delete_secret(SecretId=managed[0], ForceDeleteWithoutRecovery=True)
        self._on_deleted(identifier)

    def _completed(self, text: str) -> str:
        def add(match: re.Match[str]) -> str:
            managed, role = self._managed.get(match[1]), self._default_roles.get(match[1])
            secret = f"<MasterPasswordSecretArn>{managed[0]}</MasterPasswordSecretArn>" if managed else ""
            if managed and managed[2]:
                secret += f"<MasterPasswordSecretKmsKeyId>{managed[2]}</MasterPasswordSecretKmsKeyId>"
            default = f"<DefaultIamRoleArn>{role}</DefaultIamRoleArn>" if role else ""
            return match[0] + secret + default

        # A cluster's own element only: other answers name clusters too.
        return re.sub(r"(?<=<Cluster>)<ClusterIdentifier>([^<]*)</ClusterIdentifier>", add, text)


def _new_request(method: str, url: str, headers: dict[str, str], body: bytes) -> Any:
    from moto.core.request import Request

    return Request.from_primitives(method, url, headers, body)


def _not_implemented(action: str) -> Response:
    """An error that no client retries."""
    text = (
        "<ErrorResponse><Error><Type>Sender</Type><Code>UnknownOperationException</Code>"
        f"<Message>Redshift operation {action} is not implemented here</Message></Error></ErrorResponse>"
    )
    return 400, {"Content-Type": "text/xml"}, text.encode()
