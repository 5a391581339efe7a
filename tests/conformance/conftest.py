"""What an emulator of AWS has to do for this pipeline, asked of any endpoint through boto3 alone.

    AWS_ENDPOINT_URL=http://127.0.0.1:4566 python -m pytest tests/conformance

It needs boto3 and pytest, makes what it needs under names of its own, and prints a table at the end. With
CONFORMANCE_REPORT=FILE the outcomes are written there too, as JSON: {"area: what is asked": true or false}.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import uuid
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from tests import waiting

T = TypeVar("T")
# An answer that takes longer is none.
SECONDS = float(os.environ.get("CONFORMANCE_SECONDS", "120"))
REGION = "us-east-1"
RUNNING = ("RUNNING", "STARTING", "STOPPING", "WAITING", "SUBMITTED", "PICKED", "STARTED")
_outcomes: dict[str, bool] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if Path(__file__).parent in item.path.parents:
        title = _title(item)
        if call.when == "call" or report.failed:
            _outcomes[title] = _outcomes.get(title, True) and report.passed
    return report


def _title(item: pytest.Item) -> str:
    assert isinstance(item, pytest.Function)
    area, asked = (str(described.__doc__).splitlines()[0] for described in (item.module, item.function))
    return f"{area.rstrip('.')}: {asked}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _outcomes:
        return
    terminalreporter.section(f"what {os.environ.get('AWS_ENDPOINT_URL')} does")
    for title, passed in _outcomes.items():
        terminalreporter.write_line(f"{'yes' if passed else 'NO ':<4} {title}")
    if report := os.environ.get("CONFORMANCE_REPORT"):
        Path(report).write_text(json.dumps(_outcomes, indent=2) + "\n", encoding="utf-8")


def until(look: Callable[[], T | None], what: str) -> T:
    """Return the first answer of `look` that is not None; fail when there was none in time."""
    return waiting.until(look, what, seconds=SECONDS)


@dataclass
class Aws:
    """An endpoint, with what the tests do on it."""

    endpoint_url: str
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _count: Iterator[int] = field(default_factory=lambda: iter(range(1, 10_000)))
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.session.Session().client(
                service,  # type: ignore[call-overload]
                endpoint_url=self.endpoint_url,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}, read_timeout=SECONDS),
            )
        return self._clients[service]

    def name(self) -> str:
        """A name that nothing else has."""
        return f"conformance-{self.unique}-{next(self._count)}"

    @cached_property
    def bucket(self) -> str:
        name = f"conformance-{self.unique}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    @cached_property
    def role(self) -> str:
        """The ARN of a role that may do everything."""
        services = ("lambda", "glue", "states", "events", "redshift")
        return self.make_role(services, {"Effect": "Allow", "Action": "*", "Resource": "*"})

    def make_role(self, services: Sequence[str], *statements: dict[str, Any]) -> str:
        """A role that the services may use, with the statements as its policy; its ARN."""
        principal = {"Service": [f"{service}.amazonaws.com" for service in services]}
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        iam, name = self.client("iam"), self.name()
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_policy(*statements))
        return str(role)

    def put(self, key: str, body: str | bytes) -> str:
        """Put an object into the tests' bucket; its URI."""
        content = body.encode() if isinstance(body, str) else body
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> Any:
        """The JSON of an object in the tests' bucket, or None where there is no such object."""
        client = self.client("s3")
        with contextlib.suppress(client.exceptions.NoSuchKey):
            return json.loads(client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        return None

    # Lambda

    def function(self, code: str, **environment: str) -> str:
        """A function of Python code with `handler(event, context)`; its ARN."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("app.py", code)
        client, name = self.client("lambda"), self.name()
        arn = client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=self.role,
            Handler="app.handler",
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": environment},
            Timeout=30,
        )["FunctionArn"]

        def active() -> bool | None:
            return client.get_function(FunctionName=name)["Configuration"].get("State", "Active") != "Pending" or None

        until(active, f"{name} became active")
        return str(arn)

    def invoke(self, arn: str, event: Any) -> tuple[Any, str | None]:
        """The answer, and the kind of error if it is one."""
        answer = self.client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read() or b"null"), answer.get("FunctionError")

    # Glue

    def job(self, script: str, *, kind: str = "pythonshell", role: str | None = None) -> str:
        """A Glue job; its name. `role`: its ARN, by default of one that may do everything."""
        name = self.name()
        spark = {"GlueVersion": "5.0", "WorkerType": "G.1X", "NumberOfWorkers": 2}
        self.client("glue").create_job(
            Name=name,
            Role=role or self.role,
            Command={
                "Name": kind,
                "ScriptLocation": self.put(f"scripts/{name}.py", script),
                "PythonVersion": "3.9" if kind == "pythonshell" else "3",
            },
            Timeout=10,
            **({"MaxCapacity": 0.0625} if kind == "pythonshell" else spark),
        )
        return name

    def start_run(self, job: str, **arguments: str) -> str:
        started = self.client("glue").start_job_run(
            JobName=job, Arguments={f"--{key}": value for key, value in arguments.items()}
        )
        return str(started["JobRunId"])

    def run(self, job: str, run: str) -> dict[str, Any]:
        """A job run, once it ended."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("glue").get_job_run(JobName=job, RunId=run)["JobRun"]
            return None if found["JobRunState"] in RUNNING else found

        return until(ended, f"run {run} of {job} ended")

    # Step Functions

    def machine(self, states: dict[str, Any], *, role: str | None = None, **settings: Any) -> str:
        """A state machine that starts with the first of `states`; its ARN. `role` as in `job`."""
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **settings}
        made = self.client("stepfunctions").create_state_machine(
            name=self.name(), definition=json.dumps(definition), roleArn=role or self.role
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, document: Any = None, **options: Any) -> str:
        text = json.dumps({} if document is None else document)
        return str(
            self.client("stepfunctions").start_execution(stateMachineArn=machine, input=text, **options)["executionArn"]
        )

    def execution(self, arn: str) -> dict[str, Any]:
        """An execution, once it ended."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=arn)
            return None if found["status"] == "RUNNING" else found

        return until(ended, f"{arn} ended")

    def execute(self, states: dict[str, Any], document: Any = None, **settings: Any) -> dict[str, Any]:
        return self.execution(self.start(self.machine(states, **settings), document))

    def output(self, states: dict[str, Any], document: Any = None, **settings: Any) -> Any:
        """What an execution, which has to succeed, gives."""
        found = self.execute(states, document, **settings)
        assert found["status"] == "SUCCEEDED", {key: found.get(key) for key in ("status", "error", "cause")}
        return json.loads(found["output"])

    # Redshift

    @cached_property
    def cluster(self) -> dict[str, str]:
        """What names a new cluster to the Data API."""
        identifier = f"conformance-{self.unique}"
        self.client("redshift").create_cluster(
            ClusterIdentifier=identifier,
            NodeType="ra3.large",
            ClusterType="single-node",
            DBName="conformance",
            MasterUsername="admin",
            ManageMasterPassword=True,
            IamRoles=[self.role],
        )
        cluster = self.client("redshift").describe_clusters(ClusterIdentifier=identifier)["Clusters"][0]
        secret = cluster.get("MasterPasswordSecretArn")
        credentials = {"SecretArn": secret} if secret else {"DbUser": "admin"}
        return {"ClusterIdentifier": identifier, "Database": "conformance", **credentials}

    def submit(self, *sqls: str, **options: Any) -> str:
        """Start statements, more than one as a batch; the ID."""
        client = self.client("redshift-data")
        if len(sqls) == 1:
            return str(client.execute_statement(Sql=sqls[0], **self.cluster, **options)["Id"])
        return str(client.batch_execute_statement(Sqls=list(sqls), **self.cluster, **options)["Id"])

    def statement(self, identifier: str) -> dict[str, Any]:
        """A statement, once it ended."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.client("redshift-data").describe_statement(Id=identifier)
            return None if found["Status"] in RUNNING else found

        return until(ended, f"statement {identifier} ended")

    def sql(self, *sqls: str, **options: Any) -> list[list[Any]]:
        """Run statements, which have to finish, and give the rows of the last one."""
        found = self.statement(self.submit(*sqls, **options))
        assert found["Status"] == "FINISHED", found.get("Error")
        if not found.get("HasResultSet"):
            return []
        rows = self.client("redshift-data").get_statement_result(Id=found["Id"])["Records"]
        return [[_plain(value) for value in row] for row in rows]


def _plain(value: dict[str, Any]) -> Any:
    return None if value.get("isNull") else next(iter(value.values()))


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def task(resource: str, arguments: Any, **fields: Any) -> dict[str, Any]:
    """A state machine's only state: a Task."""
    return {"Task": {"Type": "Task", "Resource": resource, "Arguments": arguments, "End": True, **fields}}


@pytest.fixture(scope="session")
def aws() -> Aws:
    url = os.environ.get("AWS_ENDPOINT_URL")
    if not url:
        pytest.exit("set AWS_ENDPOINT_URL to the endpoint that is to be asked", returncode=4)
    return Aws(url)
