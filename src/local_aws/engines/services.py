"""The services that really run their work, as one engine's endpoint has them: with their clients of that endpoint."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local_aws.engines.cloudwatch import CloudWatchLogs
from local_aws.engines.moto_redshift import MotoRedshift, NewRequest
from local_aws.services.glue_process import ProcessFactory, Settings
from local_aws.services.glue_runs import GlueJobRuns
from local_aws.services.postgres import PostgresServer
from local_aws.services.redshift_data import RedshiftData

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Endpoint:
    """Where the emulator answers, and as which account."""

    url: str
    region: str
    account_id: str = "000000000000"


class Clients:
    """boto3 clients of the endpoint, one a service."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, service: str) -> Any:
        """The client of a service."""
        with self._lock:
            if service not in self._made:
                self._made[service] = boto3.session.Session().client(
                    service,  # type: ignore[call-overload]
                    endpoint_url=self._endpoint.url,
                    region_name=self._endpoint.region,
                    aws_access_key_id="test",
                    aws_secret_access_key="test",
                    config=Config(max_pool_connections=64, retries={"total_max_attempts": 2}),
                )
            return self._made[service]


class Services:
    """Glue job runs, Redshift and the Redshift Data API.

    Args:
        endpoint: the emulator that has the other services.
        settings: of the job processes; its work directory also holds the database.
        new_request: makes the request object that the emulator's moto takes; None for moto itself.
        secret_prefix: begins the names of the secrets of clusters.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        settings: Settings,
        *,
        new_request: NewRequest | None = None,
        secret_prefix: str = "redshift!",
    ) -> None:
        self._endpoint = endpoint
        self._clients = Clients(endpoint)
        self.postgres = PostgresServer(settings.workdir / "postgres")
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
            s3_client=self._s3,
        )
        logs = CloudWatchLogs(self._clients.get("logs"))
        processes = ProcessFactory(settings, s3_client=self._s3, environment=self._job_environment, logs=logs)
        self.glue_runs = GlueJobRuns(find_job=self._find_job, processes=processes)

    def client(self, service: str) -> Any:
        """The endpoint's client of a service."""
        return self._clients.get(service)

    @property
    def workdir(self) -> Path:
        """Where the files of this endpoint are."""
        return self.postgres.directory.parent

    def close(self) -> None:
        """End job runs and statements; the endpoint should still answer, for their last log lines."""
        self.glue_runs.close()
        self.redshift_data.close()
        self.postgres.stop()

    def _find_job(self, name: str) -> Mapping[str, Any] | None:
        client = self._clients.get("glue")
        try:
            job: dict[str, Any] = client.get_job(JobName=name)["Job"]
        except client.exceptions.EntityNotFoundException:
            return None
        return job

    def _secret(self, arn: str) -> str | None:
        client = self._clients.get("secretsmanager")
        try:
            return str(client.get_secret_value(SecretId=arn)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            return None

    def _job_environment(self, _job: Mapping[str, Any]) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self._endpoint.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self._endpoint.region,
            "AWS_DEFAULT_REGION": self._endpoint.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _s3(self) -> S3Client:
        client: S3Client = self._clients.get("s3")
        return client
