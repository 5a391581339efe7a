"""An endpoint on a full disk: an upload, a statement, a job run fail by name, nothing of them is there, all else is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from pipeline.clients import Clients
from pipeline.redshift import QueryError, query
from pipeline_tools.endpoint import LocalEndpoint
from tests.integration.test_glue import policy
from tests.waiting import until

SIZE = 240 * 1024**2
LEFT = 12 * 1024**2
NO_SPACE = "No space left on device"
WAREHOUSE = {"redshift_cluster_identifier": "disk", "redshift_database": "dev"}
FILLS_ITS_DISK = """
with open("result", "wb") as file:
    for _ in range(100):
        file.write(b"x" * 1024**2)
import boto3
boto3.client("s3").put_object(Bucket="disk", Key="result", Body=b"whole")
"""


@dataclass
class Disk:
    """A small disk with an endpoint on it."""

    path: Path
    clients: Clients
    secret: str = ""

    def fill(self, left: int = LEFT) -> None:
        status = os.statvfs(self.path)
        with (self.path / "filler").open("ab") as file:
            rest = status.f_bavail * status.f_frsize - left
            while rest > 0:
                rest -= file.write(b"x" * min(rest, 1024**2))

    def empty(self) -> None:
        (self.path / "filler").unlink()

    def sql(self, text: str) -> list[dict[str, Any]]:
        return query(self.clients.get("redshift-data"), {**WAREHOUSE, "redshift_secret_arn": self.secret}, text)

    def job_run(self) -> dict[str, Any]:
        glue = self.clients.get("glue")
        run = glue.start_job_run(JobName="disk")["JobRunId"]

        def over() -> dict[str, Any] | None:
            found: dict[str, Any] = glue.get_job_run(JobName="disk", RunId=run)["JobRun"]
            return found if found["JobRunState"] in ("SUCCEEDED", "FAILED", "ERROR") else None

        return until(over, "the job run ended")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    path = tmp_path_factory.mktemp("disk")
    mounted = sys.platform == "linux" and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        with LocalEndpoint(path / "endpoint") as endpoint:
            yield made(Disk(path, Clients(endpoint.endpoint_url, endpoint.region)))
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def made(disk: Disk) -> Disk:
    iam, s3 = disk.clients.get("iam"), disk.clients.get("s3")
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "glue.amazonaws.com"}})
    allow = policy({"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"})
    role = iam.create_role(RoleName="disk", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName="disk", PolicyName="job", PolicyDocument=allow)
    s3.create_bucket(Bucket="disk")
    s3.put_object(Bucket="disk", Key="main.py", Body=FILLS_ITS_DISK.encode())
    command = {"Name": "pythonshell", "ScriptLocation": "s3://disk/main.py", "PythonVersion": "3.9"}
    arguments = {"--library-set": "none"}
    disk.clients.get("glue").create_job(Name="disk", Role=role, Command=command, DefaultArguments=arguments)
    cluster = disk.clients.get("redshift").create_cluster(
        ClusterIdentifier="disk", NodeType="ra3.large", MasterUsername="admin", ManageMasterPassword=True, DBName="dev"
    )
    disk.secret = cluster["Cluster"]["MasterPasswordSecretArn"]
    disk.sql("CREATE TABLE public.kept AS SELECT 1 AS n")
    return disk


@pytest.fixture
def full(disk: Disk) -> Iterator[Disk]:
    disk.fill()
    yield disk
    disk.empty()
    assert disk.sql("SELECT sum(n) AS n FROM public.kept") == [{"n": 1}]


@pytest.mark.skipif(os.environ.get("LOCAL_AWS_ENGINE") == "localstack", reason="LocalStack keeps objects itself")
def test_an_upload_fails_and_what_was_there_stays(full: Disk, tmp_path: Path) -> None:
    s3 = full.clients.get("s3")
    s3.put_object(Bucket="disk", Key="replaced", Body=b"before")
    big = tmp_path / "big"
    big.write_bytes(b"x" * 2 * LEFT)
    for key in ("new", "replaced"):
        with pytest.raises(ClientError, match=rf"InternalError.*{NO_SPACE}"):
            s3.put_object(Bucket="disk", Key=key, Body=big.read_bytes())
        with pytest.raises(Exception, match=rf"InternalError.*{NO_SPACE}"):
            s3.upload_file(str(big), "disk", key)  # in parts
    assert s3.get_object(Bucket="disk", Key="replaced")["Body"].read() == b"before"
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="disk", Key="new")
    for upload in s3.list_multipart_uploads(Bucket="disk").get("Uploads", []):
        s3.abort_multipart_upload(Bucket="disk", Key=upload["Key"], UploadId=upload["UploadId"])


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.big AS SELECT generate_series(1, 2000000) AS n",
        "INSERT INTO public.kept SELECT generate_series(1, 2000000)",
    ],
)
def test_a_statement_fails_and_its_rows_are_not_there(full: Disk, statement: str) -> None:
    with pytest.raises(QueryError, match=f"{NO_SPACE}|server closed the connection"):
        full.sql(statement)


def test_a_job_run_fails_and_says_why_though_its_output_does_not_fit(full: Disk) -> None:
    run = full.job_run()
    assert (run["JobRunState"], NO_SPACE in run["ErrorMessage"]) == ("FAILED", True), run
    with pytest.raises(ClientError, match="NoSuchKey"):
        full.clients.get("s3").get_object(Bucket="disk", Key="result")


def test_a_job_run_that_cannot_be_prepared_says_why(full: Disk) -> None:
    full.fill(left=0)
    run = full.job_run()
    assert (run["JobRunState"], NO_SPACE in run["ErrorMessage"]) == ("ERROR", True), run
