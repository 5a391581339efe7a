"""Addresses of AWS's console, for a job on AWS; a local stack has none."""

from __future__ import annotations

from urllib.parse import quote

from dataset_contract.places import bucket_and_key
from pipeline.stacks import Stack

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class Links:
    """Makes the addresses; each is "" on a local stack."""

    def __init__(self, stack: Stack) -> None:
        _, partition, _, self._region, *_ = str(stack.outputs["state_machine_arn"]).split(":")
        domain = _DOMAINS.get(partition, "console.aws.amazon.com")
        self._base = "" if stack.is_local else f"https://{self._region}.{domain}"

    def _page(self, path: str) -> str:
        return f"{self._base}{path}" if self._base else ""

    def execution(self, arn: str) -> str:
        """The page of an execution."""
        return self._page(f"/states/home?region={self._region}#/v2/executions/details/{arn}")

    def job_run(self, job: str, run: str) -> str:
        """The page of a Glue job run."""
        return self._page(f"/gluestudio/home?region={self._region}#/job/{quote(job)}/run/{quote(run)}")

    def log(self, group: str, stream: str = "") -> str:
        """The page of a log stream."""
        path = f"/cloudwatch/home?region={self._region}#logsV2:log-groups/log-group/{_twice(group)}"
        return self._page(f"{path}/log-events/{_twice(stream)}" if stream else path)

    def folder(self, uri: str) -> str:
        """The page of a folder in S3."""
        bucket, prefix = bucket_and_key(uri)
        return self._page(f"/s3/buckets/{bucket}?region={self._region}&prefix={quote(prefix)}")

    def object(self, bucket: str, key: str) -> str:
        """The page of an object in S3."""
        return self._page(f"/s3/object/{bucket}?region={self._region}&prefix={quote(key)}")

    def query_editor(self) -> str:
        """The page of Redshift's query editor."""
        return self._page(f"/sqlworkbench/home?region={self._region}#/client")

    def topic(self, arn: str) -> str:
        """The page of an SNS topic."""
        return self._page(f"/sns/v3/home?region={self._region}#/topic/{arn}")


def _twice(text: str) -> str:
    """As the console of CloudWatch encodes a name: twice, with $ for the second %."""
    return quote(quote(text, safe=""), safe="").replace("%", "$")
