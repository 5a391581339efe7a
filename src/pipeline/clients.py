"""boto3 clients for a deployment: made once, passed in, never at import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from aws_facts import sdk_environment


@dataclass(frozen=True)
class Clients:
    """Makes clients for AWS, or for an endpoint with stand-in credentials."""

    endpoint_url: str | None = None
    region: str | None = None

    def get(self, service: str) -> Any:
        """A new client of a service."""
        if self.endpoint_url is None:
            return boto3.session.Session(region_name=self.region).client(service)  # type: ignore[call-overload]
        return sdk_environment.session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint_url,
            region_name=self.region or "us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            # An endpoint has one host: sync-… of TestState is no name of it.
            config=Config(retries={"total_max_attempts": 3}, proxies={}, inject_host_prefix=False),
        )
