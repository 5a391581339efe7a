"""The services that really run their work, as one engine's endpoint has them: with their clients of that endpoint."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from botocore.config import Config

from aws_facts import sdk_environment
from local_aws.endings import Endings
from local_aws.engines.cloudwatch import CloudWatchLogs
from local_aws.engines.moto_redshift import MotoRedshift, NewRequest
from local_aws.json_types import JsonMapping, JsonObject
from local_aws.services.faults.fault_rules import Faults
from local_aws.services.glue.job_runs import GlueJobRuns
from local_aws.services.glue.process import ProcessFactory, ProcessSettings
from local_aws.services.postgres import PostgresServer
from local_aws.services.redshift.data_api import RedshiftData

# As Glue calls the sessions of its runs.
GLUE_SESSION: Final = "GlueJobRunnerSession"
_CONFIG: Final = Config(max_pool_connections=64, retries={"total_max_attempts": 2}, proxies={})
ROOT: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Endpoint:
    """Where the emulator answers, and as which account."""

    url: str
    region: str
    account_id: str = "000000000000"


class RoleCredentials(Protocol):
    """Who gives out the credentials of roles."""

    def credentials(self, role: str, service: str, session: str) -> Mapping[str, str]:
        """The credentials of a role (ARN or name) that an AWS service uses, as environment variables of the SDKs.

        Raises:
            AwsError: the service may not use the role.
        """


class EndpointClients:
    """boto3 clients of the endpoint, one a service and access key.

    Args:
        endpoint: the emulator.
        config: of the clients.
    """

    def __init__(self, endpoint: Endpoint, config: Config = _CONFIG) -> None:
        self._endpoint = endpoint
        self._config = config
        self._made: dict[tuple[str, str], Any] = {}
        self._session = sdk_environment.session()  # one for all: it keeps the services' models, which take long to load
        self._lock = threading.Lock()

    def get(self, service: str, credentials: Mapping[str, str] | None = None) -> Any:
        """The client of a service, with the account's own credentials or given ones."""
        keys = credentials or ROOT
        made = (service, keys["AWS_ACCESS_KEY_ID"])
        with self._lock:
            if made not in self._made:
                self._made[made] = self._session.client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self._endpoint.url,
                    region_name=self._endpoint.region,
                    aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
                    aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                    aws_session_token=keys.get("AWS_SESSION_TOKEN"),
                    config=self._config,
                )
            return self._made[made]


class Services:
    """Glue job runs, Redshift and the Redshift Data API.

    Args:
        endpoint: the emulator that has the other services.
        settings: of the job processes; its work directory also holds the database.
        faults: are asked at each job run and statement.
        roles: gives out the credentials that jobs, COPY and UNLOAD use.
        new_request: makes the request object that the emulator's moto takes; None for moto itself.
        secret_prefix: begins the names of the secrets of clusters.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: ProcessSettings,
        *,
        faults: Faults,
        roles: RoleCredentials,
        new_request: NewRequest | None = None,
        secret_prefix: str = "redshift!",
    ) -> None:
        self._endpoint = endpoint
        self._roles = roles
        self.faults = faults
        self.endings = Endings()
        self._clients = EndpointClients(endpoint)
        self.postgres = PostgresServer(settings.workdir / "postgres")
        faults.can_kill("database", self.postgres.kill)
        self.redshift = MotoRedshift(
            account_id=endpoint.account_id,
            region=endpoint.region,
            secrets_manager=self._clients.get("secretsmanager"),
            on_deleted=lambda identifier: self.redshift_data.forget_cluster(identifier),
            new_request=new_request,
            secret_prefix=secret_prefix,
        )
        self.redshift_data = RedshiftData(
            account_id=endpoint.account_id,
            region=endpoint.region,
            postgres=self.postgres,
            find_cluster=self.redshift.find_cluster,
            get_secret=self._secret,
            s3_client=lambda role: self.client_as(role, "redshift", "copy", "s3"),
            faults=faults,
        )
        processes = ProcessFactory(
            settings,
            s3_client=lambda job: self.client_as(job["Role"], "glue", GLUE_SESSION, "s3"),
            environment=self._job_environment,
            logs=lambda job: CloudWatchLogs(self.client_as(job["Role"], "glue", GLUE_SESSION, "logs")),
        )
        self.glue_runs = GlueJobRuns(find_job=self._find_job, processes=processes, faults=faults, endings=self.endings)

    def client(self, service: str) -> Any:
        """The endpoint's client of a service, with the account's own credentials."""
        return self._clients.get(service)

    def client_as(self, role: str, user: str, session: str, service: str) -> Any:
        """The client of a service that acts as a role, in the hands of another service (`user`, such as "glue").

        Raises:
            AwsError: that service may not use the role.
        """
        return self._clients.get(service, self._roles.credentials(role, f"{user}.amazonaws.com", session))

    @property
    def workdir(self) -> Path:
        """Where the files of this endpoint are."""
        return self.postgres.directory.parent

    def close(self) -> None:
        """End job runs and statements; the endpoint should still answer, for their last log lines."""
        self.glue_runs.close()
        self.redshift_data.close()
        self.postgres.stop()

    def _find_job(self, name: str) -> JsonMapping | None:
        client = self._clients.get("glue")
        try:
            job: JsonObject = client.get_job(JobName=name)["Job"]
        except client.exceptions.EntityNotFoundException:
            return None
        return job

    def _secret(self, arn: str) -> str | None:
        client = self._clients.get("secretsmanager")
        try:
            return str(client.get_secret_value(SecretId=arn)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            return None

    def _job_environment(self, job: JsonMapping) -> dict[str, str]:
        return {
            **sdk_environment.NO_FILES,
            **self._roles.credentials(job["Role"], "glue.amazonaws.com", GLUE_SESSION),
            "AWS_ENDPOINT_URL": self._endpoint.url,
            "AWS_REGION": self._endpoint.region,
            "AWS_DEFAULT_REGION": self._endpoint.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
