"""The rig on which cases are played: an endpoint with the pipeline deployed, its faults, and what it tells people."""

from __future__ import annotations

import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aws_facts import sdk_environment
from dataset_contract.json_types import JsonMapping, JsonObject
from pipeline import redshift
from pipeline.clients import Clients
from pipeline_tools.chaos.cases import Rule
from pipeline_tools.console import Say, say
from pipeline_tools.deployment.local import deploy
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.packaging import package
from pipeline_tools.terraform import PACKAGE_DIR

DATASET = "chaos"
DATASETS = Path(__file__).parent / "datasets"
# What a source of the cases gives: a row of it is refused.
SOURCE = "id,place,amount\n1,north,2.50\n2,south,3.00\n3,north,0.50\nfour,west,1.00\n4,east,7.25\n"
ROWS = {"chaos_lines": 4, "chaos_totals": 3}
_QUEUE = "chaos-notices"
_SECONDS_TO_LIST = 120.0
_SECONDS_OF_CREDENTIALS = 1800.0  # of the hour that a role's are good for
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The events of a history that end an attempt, and the status that each gives.
_ENDS = {"ExecutionFailed": "FAILED", "ExecutionAborted": "ABORTED", "ExecutionTimedOut": "TIMED_OUT"}


class RigError(RuntimeError):
    """The rig cannot be set up, or does not answer."""


@dataclass(frozen=True)
class KeptClients(Clients):
    """Makes one client of each service. A new one costs 0.1 s of CPU time, and a case asks hundreds of times."""

    made: JsonObject = field(default_factory=dict)
    making: threading.Lock = field(default_factory=threading.Lock)

    def get(self, service: str) -> Any:
        """The client of a service, made once."""
        with self.making:
            if service not in self.made:
                self.made[service] = super().get(service)
            return self.made[service]


class Rig:
    """What a case works with. Safe for several threads."""

    def __init__(self, clients: Clients, outputs: JsonMapping, endpoint: LocalEndpoint | None = None) -> None:
        self.clients = KeptClients(clients.endpoint_url, clients.region)
        self.outputs, self.endpoint = dict(outputs), endpoint
        self.notices = Notices(self.clients, outputs["failure_topic_arn"])
        self._trusting, self._reading = threading.Lock(), threading.Lock()
        self._run_sql: tuple[float, Any] | None = None  # until when its credentials are used, and a client
        self._details: dict[str, JsonObject] = {}  # what each execution of record-failure was told
        self._trust_before: tuple[str, str] | None = None  # a role that trusts the account meanwhile, and its policy

    def end(self) -> None:
        """Leave the deployment as it was found: without faults, and run-sql's role trusting whom it trusted."""
        self.clear_faults()
        with self._trusting:
            if self._trust_before:
                name, policy = self._trust_before
                self.clients.get("iam").update_assume_role_policy(RoleName=name, PolicyDocument=policy)
            self._trust_before = self._run_sql = None

    # Faults

    @property
    def _faults_url(self) -> str:
        return f"{self.outputs['endpoint_url']}/_local/faults"

    def put_faults(self, rules: Sequence[Rule], waits: float) -> None:
        """Let these rules hold, and no others.

        Raises:
            RigError: the endpoint refuses them.
        """
        own = [{name: value for name, value in rule.items() if name != "spare"} for rule in rules]
        self._ask("PUT", {"waits": waits, "faults": own})

    def faults_met(self) -> dict[str, int]:
        """How often each rule was met, by its name."""
        met: dict[str, int] = self._ask("GET")["met"]
        return met

    def clear_faults(self) -> None:
        """Remove all rules of faults."""
        self._ask("DELETE")

    def _ask(self, method: str, document: object = None) -> JsonObject:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self._faults_url, body, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RigError(f"{method} {self._faults_url}: {error.code}: {error.read().decode()}") from error
        except OSError as error:
            raise RigError(f"{method} {self._faults_url}: {error}") from error
        found: JsonObject = json.loads(text) if text.strip() else {}
        return found

    # Sources and rows

    def put_source(self, folder: str, text: str = SOURCE) -> str:
        """Put a source file into a folder of its own in the raw bucket, and return the folder's URI."""
        prefix = f"{DATASET}/{folder}/"
        self.clients.get("s3").put_object(
            Bucket=self.outputs["raw_bucket"], Key=f"{prefix}lines.csv", Body=text.encode()
        )
        return f"s3://{self.outputs['raw_bucket']}/{prefix}"

    def query(self, sql: str, **parameters: str) -> list[JsonObject]:
        """As the user that loads."""
        return redshift.query(self.clients.get("redshift-data"), self.outputs, sql, **parameters)

    def administer(self, sql: str) -> list[JsonObject]:
        """As the administrator, who may change tables."""
        return redshift.query(self.clients.get("redshift-data"), redshift.as_administrator(self.outputs), sql)

    def statements(self, job: str, status: str) -> list[JsonObject]:
        """A job's statements of a status, or ALL. The API lists only a few times per second, for all who ask.

        Raises:
            RigError: it did not in two minutes.
        """
        client, deadline = self._as_run_sql(), time.monotonic() + _SECONDS_TO_LIST
        while time.monotonic() < deadline:
            try:
                pages = client.get_paginator("list_statements").paginate(StatementName=job, Status=status)
                return [dict(each) for page in pages for each in page["Statements"]]
            except client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "ThrottlingException":
                    raise
                time.sleep(random.uniform(0.5, 1.5))
        raise RigError(f"the statements of {job} were not listed in {_SECONDS_TO_LIST:.0f} s")

    def _as_run_sql(self) -> Any:
        """A client of the Data API with the role of run-sql: the API lists to a role its own statements alone."""
        with self._trusting:
            if self._run_sql is None or time.monotonic() > self._run_sql[0]:
                self._run_sql = time.monotonic() + _SECONDS_OF_CREDENTIALS, self._new_as_run_sql()
            return self._run_sql[1]

    def _new_as_run_sql(self) -> Any:
        described = self.clients.get("stepfunctions").describe_state_machine(stateMachineArn=self.machine("run-sql"))
        arn: str = described["roleArn"]
        self._trust_the_account(arn)
        session = self.clients.get("sts").assume_role(RoleArn=arn, RoleSessionName="chaos")["Credentials"]
        return sdk_environment.session().client(
            "redshift-data",
            endpoint_url=self.outputs["endpoint_url"],
            region_name=self.clients.region or "us-east-1",
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    def _trust_the_account(self, role_arn: str) -> None:
        iam, name, account = self.clients.get("iam"), role_arn.rpartition("/")[2], role_arn.split(":")[4]
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        trusted = {"AWS": f"arn:aws:iam::{account}:root"}
        if all(statement["Principal"] != trusted for statement in trust["Statement"]):
            self._trust_before = name, json.dumps(trust)
            trust["Statement"].append({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted})
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))

    # Executions

    def machine(self, name: str) -> str:
        """The ARN of a state machine: pipeline, run-sql, record-failure, start-on-arrival."""
        return str(self.outputs["state_machine_arn"]).removesuffix("pipeline") + name

    def executions(
        self, machine: str, status: str | None = None, since: datetime | None = None
    ) -> Iterator[JsonObject]:
        """The executions of a state machine that began at a moment or later, newest first."""
        pages = self.clients.get("stepfunctions").get_paginator("list_executions")
        chosen = {"statusFilter": status} if status else {}
        for page in pages.paginate(stateMachineArn=self.machine(machine), **chosen):
            for execution in page["executions"]:
                if since is not None and execution["startDate"] < since:
                    return
                yield execution

    def recorders(self, execution_arn: str, redrive: int, since: datetime) -> list[str]:
        """The executions of record-failure about an attempt that began at a moment or later."""
        client = self.clients.get("stepfunctions")
        with self._reading:
            for found in self.executions("record-failure", since=since):
                arn = found["executionArn"]
                if arn not in self._details:
                    self._details[arn] = json.loads(client.describe_execution(executionArn=arn)["input"])["detail"]
            return [
                arn
                for arn, detail in self._details.items()
                if detail["executionArn"] == execution_arn and int(detail.get("redriveCount") or 0) == redrive
            ]

    def job_runs(self, name: str, since: datetime) -> Iterator[JsonObject]:
        """The runs of a Glue job that began at a moment or later, newest first."""
        for page in self.clients.get("glue").get_paginator("get_job_runs").paginate(JobName=name):
            for run in page["JobRuns"]:
                if run["StartedOn"] < since:
                    return
                yield run

    def event_of(self, execution_arn: str) -> JsonObject:
        """The event that EventBridge gives about the first end of an execution, made of what is known of it.

        https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
        """
        described = self.clients.get("stepfunctions").describe_execution(executionArn=execution_arn)
        history = self.clients.get("stepfunctions").get_paginator("get_execution_history")
        events = [event for page in history.paginate(executionArn=execution_arn) for event in page["events"]]
        end = next(event for event in events if event["type"].startswith("Execution") and _ENDS.get(event["type"]))
        told: JsonObject = next((value for key, value in end.items() if key.endswith("EventDetails")), {})
        detail = {
            **{name: described[name] for name in ("executionArn", "stateMachineArn", "name", "input")},
            "status": _ENDS[end["type"]],
            "startDate": milliseconds(described["startDate"]),
            "stopDate": milliseconds(end["timestamp"]),
            "redriveCount": 0,
            "error": told.get("error"),
            "cause": told.get("cause"),
        }
        return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


def milliseconds(moment: datetime) -> int:
    """Since 1970-01-01 UTC; what is finer is cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


class Notices:
    """The messages of the failure topic, as a queue that is subscribed to it gets them."""

    def __init__(self, clients: Clients, topic_arn: str) -> None:
        self._clients, self._topic_arn = clients, topic_arn
        self._lock = threading.Lock()
        self._messages: list[JsonObject] = []
        sqs = clients.get("sqs")
        self._queue = sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
        sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)})
        clients.get("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=arn)

    def about(self, execution_arn: str) -> list[JsonObject]:
        """The messages so far about an execution; of each its subject and message. A cause may name another one."""
        with self._lock:
            self._take()
            return [each for each in self._messages if json.loads(each["message"])["execution_arn"] == execution_arn]

    def _take(self) -> None:
        sqs = self._clients.get("sqs")
        while received := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for each in received:
                notice = json.loads(each["Body"])
                self._messages.append({"subject": notice.get("Subject", ""), "message": notice["Message"]})
                sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])


@contextmanager
def served(directory: Path, engine: str | None, say: Say = say) -> Iterator[Rig]:
    """A rig in an empty directory, which ends with the block.

    Raises:
        EndpointError, TerraformError, SchemaError: with the message of what failed.
    """
    os.environ[PACKAGE_DIR] = str(package.build_with([DATASETS], directory / "checkout"))
    with LocalEndpoint(directory / "endpoint", engine=engine) as endpoint:
        say(f"endpoint on {endpoint.engine}")
        outputs = deploy(endpoint, directory / "terraform", say)
        yield Rig(Clients(endpoint.endpoint_url, endpoint.region), outputs, endpoint)
