"""One PostgreSQL for all tests that need one, and the Data API over it with a directory for S3."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_socket
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from local_aws.services.faults.fault_rules import Faults
from local_aws.services.postgres import PostgresServer
from local_aws.services.redshift.data_api import ClusterInfo, RedshiftData
from tests.waiting import SECONDS

ROLE = "arn:aws:iam::000000000000:role/copy"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:master-abcdef"


class DirectoryS3:
    """The calls that COPY and UNLOAD make of S3, over a directory: <root>/<bucket>/<key>."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_object(self, *, Bucket: str, Key: str, Body: Any) -> dict[str, Any]:  # noqa: N803
        path = self.root / Bucket / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body if isinstance(Body, bytes) else Body.read())
        return {}

    def get_object(self, *, Bucket: str, Key: str, IfNoneMatch: str = "") -> dict[str, Any]:  # noqa: N803
        path = self._bucket(Bucket) / Key
        if not path.is_file():
            missing = {"Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."}}
            raise ClientError(cast(Any, {**missing, "ResponseMetadata": {"HTTPStatusCode": 404}}), "GetObject")
        content = path.read_bytes()
        etag = hashlib.md5(content).hexdigest()
        if etag == IfNoneMatch:
            answer = {"Error": {"Code": "304"}, "ResponseMetadata": {"HTTPStatusCode": 304}}
            raise ClientError(cast(Any, answer), "GetObject")
        body = StreamingBody(io.BytesIO(content), len(content))
        return {"Body": body, "ETag": etag, "ContentLength": len(content)}

    def get_bucket_location(self, *, Bucket: str) -> dict[str, Any]:  # noqa: N803
        assert self._bucket(Bucket).is_dir()
        return {"LocationConstraint": None}

    def get_paginator(self, name: str) -> DirectoryS3:
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        bucket = self._bucket(Bucket)
        # Below the last folder of the prefix alone: with many other keys, a walk of all takes longer than the rest.
        folder = bucket / Prefix.rpartition("/")[0]
        keys = sorted(path.relative_to(bucket).as_posix() for path in folder.rglob("*") if path.is_file())
        return [{"Contents": [{"Key": key}]} for key in keys if key.startswith(Prefix)] or [{}]

    def _bucket(self, name: str) -> Path:
        if not (self.root / name).is_dir():
            answer = {"Error": {"Code": "NoSuchBucket", "Message": "The specified bucket does not exist"}}
            metadata = {"ResponseMetadata": {"HTTPStatusCode": 404}}
            raise ClientError(cast(Any, {**answer, **metadata}), "ListObjectsV2")
        return self.root / name


@dataclass
class Redshift:
    """The API under test, with shorthands that wait for the end of a statement."""

    api: RedshiftData
    s3: DirectoryS3
    clusters: dict[str, ClusterInfo]
    secrets: dict[str, str]
    defaults: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self.api.handle(operation, request)

    def start(self, *sqls: str, **request: Any) -> str:
        given = {**self.defaults, **request}
        parameters = given.pop("parameters", None)
        if parameters is not None:
            given["Parameters"] = [{"name": name, "value": value} for name, value in parameters.items()]
        batch = given.pop("batch", len(sqls) > 1)
        if not batch:
            return str(self.call("ExecuteStatement", Sql=sqls[0], **given)["Id"])
        return str(self.call("BatchExecuteStatement", Sqls=list(sqls), **given)["Id"])

    def wait(self, identifier: str) -> dict[str, Any]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            described = self.call("DescribeStatement", Id=identifier, WaitTimeSeconds=30)
            if described["Status"] in ("FINISHED", "FAILED", "ABORTED"):
                return described
        raise AssertionError(f"{identifier} did not end")

    def describe(self, *sqls: str, **request: Any) -> dict[str, Any]:
        return self.wait(self.start(*sqls, **request))

    def run(self, *sqls: str, **request: Any) -> dict[str, Any]:
        described = self.describe(*sqls, **request)
        assert described["Status"] == "FINISHED", described.get("Error")
        return described

    def fail(self, *sqls: str, **request: Any) -> str:
        described = self.describe(*sqls, **request)
        assert described["Status"] == "FAILED", described
        return str(described["Error"])

    def rows(self, sql: str, **request: Any) -> list[tuple[Any, ...]]:
        return self.fetch(str(self.run(sql, **request)["Id"]))

    def fetch(self, identifier: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        token: dict[str, str] = {}
        while True:
            page = self.call("GetStatementResult", Id=identifier, **token)
            found.extend(tuple(_value(each) for each in row) for row in page["Records"])
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    def change_cluster(self, **changes: Any) -> None:
        self.clusters["warehouse"] = replace(self.clusters["warehouse"], **changes)


def _value(item: Mapping[str, Any]) -> Any:
    ((kind, value),) = item.items()
    return None if kind == "isNull" else value


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    # Session fixtures are set up before the sockets of the first test are allowed.
    pytest_socket.enable_socket()
    with PostgresServer(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def make_redshift(postgres: PostgresServer, tmp_path: Path) -> Iterator[Callable[[], Redshift]]:
    made: list[Redshift] = []

    def make() -> Redshift:
        password = "Secret-Passw0rd"
        info = ClusterInfo(
            "warehouse", "available", "dev", "admin", (ROLE,), master_password=password, default_iam_role=ROLE
        )
        clusters = {"warehouse": info}
        secrets = {SECRET: json.dumps({"username": "admin", "password": password})}
        events: list[dict[str, Any]] = []
        s3, faults = DirectoryS3(tmp_path), Faults()
        faults.can_kill("database", postgres.kill)
        api = RedshiftData(
            postgres=postgres,
            find_cluster=clusters.get,
            get_secret=secrets.get,
            s3_client=lambda _role: cast(Any, s3),
            account_id="000000000000",
            region="us-east-1",
            on_event=events.append,
            clock=itertools.count(step=60).__next__,
            faults=faults,
        )
        defaults = {"ClusterIdentifier": "warehouse", "Database": "dev", "SecretArn": SECRET}
        made.append(Redshift(api, s3, clusters, secrets, defaults, events, faults))
        return made[-1]

    yield make
    for each in made:
        each.api.forget_cluster("warehouse")
        each.api.close()


@pytest.fixture
def redshift(make_redshift: Callable[[], Redshift]) -> Redshift:
    """A cluster "warehouse" with an empty database "dev"."""
    return make_redshift()
