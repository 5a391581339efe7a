"""boto3 clients for a deployment: made once, passed in, never at import."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from aws_facts import sdk_environment

# A session may be used by one thread at a time; the clients that it makes may be used by several.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Clients:
    """Makes clients for AWS, or for an endpoint with stand-in credentials."""

    endpoint_url: str | None = None
    region: str | None = None

    def get(self, service: str) -> Any:
        """A new client of a service."""
        if self.endpoint_url is None:
            with _one_at_a_time:
                return self._session.client(service)  # type: ignore[call-overload]
        with _one_at_a_time:
            return self._session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.endpoint_url,
                region_name=self.region or "us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                # An endpoint has one host: sync-… of TestState is not a name of it.
                config=Config(retries={"total_max_attempts": 3}, proxies={}, inject_host_prefix=False),
            )

    @cached_property
    def _session(self) -> boto3.session.Session:
        """It keeps the services' models, which take long to load."""
        if self.endpoint_url is None:
            return boto3.session.Session(region_name=self.region)
        return sdk_environment.session()
