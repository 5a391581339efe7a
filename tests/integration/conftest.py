"""Integration tests talk to one endpoint: ours, or the one that AWS_ENDPOINT_URL or LOCALSTACK_HOST names.

The pipeline is deployed to it once, by Terraform through python-terraform, and destroyed at the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest

from pipeline import executions, redshift
from pipeline.clients import Clients
from pipeline.executions import ExecutionOutcome
from pipeline_tools.chaos import rig
from pipeline_tools.demo import flights
from pipeline_tools.deployment.local import deploy
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.environments import ROOT
from pipeline_tools.packaging import package
from pipeline_tools.terraform import PACKAGE_DIR, Deployment
from tests.waiting import SECONDS, until

SAMPLE_ROWS = 400
ODD = "a näme, 'quoted' #1 100%25 [x]"
T = TypeVar("T")


@dataclass
class Pipeline:
    """The deployed pipeline, with what tests do to it."""

    clients: Clients
    outputs: dict[str, Any]
    header: str
    rows: list[str]
    _number: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))
    _inputs: dict[str, Any] = field(default_factory=dict)

    @property
    def endpoint_url(self) -> str:
        return str(self.outputs["endpoint_url"])

    def put(self, text: str | bytes, *, name: str = "flights.csv") -> str:
        """Put a file into a prefix of its own in the raw bucket and return the prefix's URI."""
        prefix = f"flights/{next(self._number):04d}/"
        body = text.encode() if isinstance(text, str) else text
        self.clients.get("s3").put_object(Bucket=self.outputs["raw_bucket"], Key=prefix + name, Body=body)
        return f"s3://{self.outputs['raw_bucket']}/{prefix}"

    def sample(self, count: int = 50) -> str:
        """A CSV of the first real flights."""
        return "\n".join([self.header, *self.rows[:count]]) + "\n"

    def start(self, source_uri: str, *, name: str | None = None, **change: Any) -> str:
        document = {"dataset": "flights", "source_uri": source_uri, "parameters": {}, **change}
        client = self.clients.get("stepfunctions")
        return executions.start(client, self.outputs["state_machine_arn"], document, name=name)

    def wait(self, arn: str) -> ExecutionOutcome:
        return executions.wait(self.clients.get("stepfunctions"), arn, timeout_seconds=SECONDS)

    def run(self, source_uri: str, **change: Any) -> ExecutionOutcome:
        return self.wait(self.start(source_uri, **change))

    def query(self, sql: str, **parameters: str) -> list[dict[str, Any]]:
        return redshift.query(self.clients.get("redshift-data"), self.outputs, sql, **parameters)

    def administer(self, sql: str) -> None:
        """Change tables and users, which the user that `query` runs as may not."""
        redshift.query(self.clients.get("redshift-data"), redshift.as_administrator(self.outputs), sql)

    def audit_of(self, execution_arn: str) -> dict[str, Any]:
        """The audit row of a failed execution, once record-failure has written it."""
        self.wait_for_recorder(execution_arn)
        rows = self.query("SELECT * FROM audit.job_run WHERE execution_arn = :arn", arn=execution_arn)
        assert len(rows) == 1
        return rows[0]

    def wait_for_recorder(self, execution_arn: str) -> None:
        """Wait for the execution of record-failure that EventBridge starts for a failed execution."""
        outcome = self.wait(self.recorder_of(execution_arn))
        assert outcome.succeeded, outcome

    def recorder_of(self, execution_arn: str) -> str:
        """The execution of record-failure that works on a failed execution, once EventBridge has started it.

        What EventBridge starts itself only starts that one, whose name is made of the event.
        """
        client = self.clients.get("stepfunctions")

        def recorder() -> str | None:
            pages = client.get_paginator("list_executions").paginate(
                stateMachineArn=self.outputs["record_failure_state_machine_arn"]
            )
            for page in pages:
                for found in page["executions"]:
                    if not found["name"].startswith("failed-"):
                        continue
                    if self.input_of(found["executionArn"])["detail"]["executionArn"] == execution_arn:
                        return str(found["executionArn"])
            return None

        return until(recorder, "record-failure was started")

    def update_function(self, name: str, **settings: Any) -> None:
        """Change a function's configuration and wait until it holds: until then Lambda refuses the next change."""
        client = self.clients.get("lambda")
        client.update_function_configuration(FunctionName=name, **settings)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)

    def input_of(self, execution_arn: str) -> Any:
        """The input of an execution. It is asked for once: whoever polls a list asks for those of all that it names."""
        if execution_arn not in self._inputs:
            described = self.clients.get("stepfunctions").describe_execution(executionArn=execution_arn)
            self._inputs[execution_arn] = json.loads(described["input"])
        return self._inputs[execution_arn]

    def rejected(self, outcome: ExecutionOutcome) -> list[dict[str, Any]]:
        """The rejected rows of a job, read from its Parquet files."""
        import duckdb

        bucket, _, prefix = outcome.output["uris"]["rejected"].removeprefix("s3://").partition("/")
        s3 = self.clients.get("s3")
        found: list[dict[str, Any]] = []
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            if not item["Key"].endswith(".parquet"):
                continue  # the same rows as text
            file = Path(os.environ["PYTEST_TMP"]) / "rejected.parquet"
            s3.download_file(bucket, item["Key"], str(file))
            with duckdb.connect() as connection:
                cursor = connection.execute("SELECT * FROM read_parquet(?)", [str(file)])
                names = [column[0] for column in cursor.description or []]
                found += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return sorted(found, key=lambda row: row["line_number"])

    def manifest(self, outcome: ExecutionOutcome, stage: str) -> dict[str, Any]:
        bucket, _, key = outcome.output["uris"]["manifests"][stage].removeprefix("s3://").partition("/")
        document: dict[str, Any] = json.loads(self.clients.get("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return document

    @contextlib.contextmanager
    def artifact(self, key: str, change: Callable[[str], str]) -> Iterator[None]:
        """Change an uploaded artifact for the time of a test."""
        s3, bucket = self.clients.get("s3"), self.outputs["artifacts_bucket"]
        before = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        changed = change(before.decode())
        assert changed != before.decode()
        s3.put_object(Bucket=bucket, Key=key, Body=changed.encode())
        try:
            yield
        finally:
            s3.put_object(Bucket=bucket, Key=key, Body=before)
            s3.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tags})

    def awslocal(self, *arguments: str) -> Any:
        """Run awslocal, as a person at a terminal does, and return what it printed."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= {"AWS_ENDPOINT_URL": self.endpoint_url, "AWS_DEFAULT_REGION": "us-east-1"}
        # pip's script beside this interpreter.
        line = [sys.executable, str(Path(sys.executable).with_name("awslocal")), *arguments, "--output", "json"]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None


@dataclass(frozen=True)
class KindOfJob:
    """A job that has come to its end in some way."""

    execution_arn: str
    job_id: str


def until_entered(pipeline: Pipeline, arn: str, state: str) -> None:
    """Wait until an execution is in a state."""
    pages = pipeline.clients.get("stepfunctions").get_paginator("get_execution_history")

    def entered() -> bool | None:
        events = [event for page in pages.paginate(executionArn=arn) for event in page["events"]]
        return any(event.get("stateEnteredEventDetails", {}).get("name") == state for event in events) or None

    until(entered, f"{arn} is in {state}")


@contextlib.contextmanager
def timing_out(pipeline: Pipeline, seconds: int) -> Iterator[None]:
    """Executions that are started meanwhile time out after so many seconds."""
    client, machine = pipeline.clients.get("stepfunctions"), pipeline.outputs["state_machine_arn"]
    definition = client.describe_state_machine(stateMachineArn=machine)["definition"]
    short = json.dumps({**json.loads(definition), "TimeoutSeconds": seconds})
    client.update_state_machine(stateMachineArn=machine, definition=short)
    try:
        yield
    finally:
        client.update_state_machine(stateMachineArn=machine, definition=definition)


def given_endpoint() -> str | None:
    if os.environ.get("AWS_ENDPOINT_URL"):
        return os.environ["AWS_ENDPOINT_URL"]
    host = os.environ.get("LOCALSTACK_HOST")
    return f"http://{host if ':' in host else host + ':4566'}" if host else None


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    """The endpoint of the user where one is named, or else ours, for the time of the tests."""
    # The path of a checkout may have any characters.
    directory = tmp_path_factory.mktemp(ODD)
    served = LocalEndpoint(directory)
    if url := given_endpoint():
        # A shell that read environment.sh names the endpoint of `nox -s local`.
        buckets = [bucket["Name"] for bucket in Clients(url).get("s3").list_buckets()["Buckets"]]
        if deployed := [name for name in buckets if name.startswith("local-")]:
            pytest.exit(f"{url} has a pipeline already ({deployed[0]}), which the tests would change and destroy", 1)
        served.endpoint_url = url
        yield served
        return
    with served:
        yield served


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with the project's datasets and those of these tests, which is what Terraform deploys."""
    datasets = [ROOT / "sql" / "datasets", Path(__file__).parent / "datasets", rig.DATASETS]
    output = package.build_with(datasets, tmp_path_factory.mktemp(ODD))
    os.environ[PACKAGE_DIR] = str(output)
    return output


@pytest.fixture(scope="session")
def deployment(
    endpoint: LocalEndpoint, packaged: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    deployed = Deployment("local", tmp_path_factory.mktemp(ODD), endpoint.endpoint_url)
    yield deployed
    if given_endpoint():
        deployed.destroy()


@pytest.fixture(scope="session")
def pipeline(endpoint: LocalEndpoint, deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The pipeline, applied, with its SQL schema and the real reference data in the raw bucket."""
    directory = tmp_path_factory.mktemp("data")
    os.environ["PYTEST_TMP"] = str(directory)
    assert deployment.directory
    outputs = deploy(endpoint, deployment.directory)
    clients = Clients(endpoint.endpoint_url, endpoint.region)
    flights.write(directory)
    flights.upload(clients.get("s3"), directory, outputs["raw_bucket"], below="reference/")
    with (directory / "flights" / "flights.csv").open(encoding="utf-8") as file:
        header, *rows = (next(file).rstrip("\n") for _ in range(SAMPLE_ROWS + 1))
    return Pipeline(clients, outputs, header, rows)


@pytest.fixture(scope="session")
def jobs_of_all_kinds(pipeline: Pipeline) -> dict[str, KindOfJob]:
    """One job each that is good, rejected (has refused rows), failed, timed out and stopped; all run at the same time.

    A failed one has been recorded. The one that timed out did so before its end, in whichever state it was then.
    """
    good, bad = pipeline.rows[:20], pipeline.rows[20].split(",")
    broken = [",".join([bad[0], "13", *bad[2:]]), ",".join([bad[0], "", *bad[2:]]), "not,enough"]
    rejected = pipeline.put("\n".join([pipeline.header, *good, *broken]) + "\n")
    arns = {
        "stopped": pipeline.start(pipeline.put(pipeline.sample(4)), name="of-all-kinds-stopped"),
        "good": pipeline.start(pipeline.put(pipeline.sample(30)), name="of-all-kinds-good"),
        "rejected": pipeline.start(rejected, name="of-all-kinds-rejected"),
        "failed": pipeline.start(pipeline.put("year,month\n2013,1\n"), name="of-all-kinds-failed"),
    }
    with timing_out(pipeline, 8):
        arns["timed out"] = pipeline.start(pipeline.put(pipeline.sample(5)), name="of-all-kinds-timed-out")
    until_entered(pipeline, arns["stopped"], "TransformWithSpark")
    pipeline.clients.get("stepfunctions").stop_execution(executionArn=arns["stopped"], cause="nobody needs it")
    ends = {"good": "SUCCEEDED", "rejected": "SUCCEEDED", "failed": "FAILED", "timed out": "TIMED_OUT"}
    ends["stopped"] = "ABORTED"
    found = {}
    for kind, arn in arns.items():
        outcome = pipeline.wait(arn)
        assert outcome.status == ends[kind], (kind, outcome)
        job_id = outcome.output["job_id"] if outcome.succeeded else pipeline.audit_of(arn)["job_id"]
        found[kind] = KindOfJob(arn, job_id)
    return found


@pytest.fixture(scope="session")
def stack_file(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of the deployment, for `pipeline --stack`."""
    place = tmp_path_factory.mktemp("stack") / "outputs.json"
    place.write_text(json.dumps(pipeline.outputs), encoding="utf-8")
    return place
