"""Faults on demand, on whichever engine the endpoint has: each kind of rule, by small state machines and calls."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from aws_facts import sdk_environment
from pipeline.clients import Clients
from pipeline_tools import faults
from pipeline_tools.endpoint import LocalEndpoint
from pipeline_tools.environments import ROOT
from pipeline_tools.faults import Error, Rule
from tests.integration.conftest import given_endpoint
from tests.waiting import SECONDS, until

ROLE = "faults"
BUCKET = "faults-of-requests"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
MAY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}


@pytest.fixture(scope="module")
def url(endpoint: LocalEndpoint) -> Iterator[str]:
    if given_endpoint():
        pytest.skip("an endpoint of one's own has no fault switch")
    clients = Clients(endpoint.endpoint_url, endpoint.region)
    iam, s3 = clients.get("iam"), clients.get("s3")
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(RoleName=ROLE, PolicyName="may", PolicyDocument=json.dumps(MAY))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a/object", Body=b"0123456789" * 100)
    yield endpoint.endpoint_url
    faults.clear(endpoint.endpoint_url)


def client(url: str, service: str, attempts: int = 1) -> Any:
    """A client that tries once, so that a test sees what the endpoint does."""
    config = Config(retries={"total_max_attempts": attempts}, proxies={}, read_timeout=SECONDS)
    return sdk_environment.session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def run(url: str, states: dict[str, Any], name: str) -> dict[str, Any]:
    """The execution of a state machine of these states."""
    states_client = client(url, "stepfunctions", attempts=3)
    definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
    role = f"arn:aws:iam::000000000000:role/{ROLE}"
    machine = states_client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)
    arn = states_client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = states_client.describe_execution(executionArn=arn)
        return found if found["status"] != "RUNNING" else None

    found = until(ended, f"{name} ended")
    states_client.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    return found


READ = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
    "Arguments": {"Bucket": BUCKET, "Key": "a/object"},
    "Output": "{% $length($states.result.Body) %}",
    "End": True,
}
AGAIN = [{"ErrorEquals": ["S3.S3Exception"], "IntervalSeconds": 60, "MaxAttempts": 1}]


def test_a_task_fails_by_the_name_of_its_integration_and_retries_take_no_time(url: str) -> None:
    rule = Rule("slow-down", "task", service="s3", match={"state": "Read"}, error=Error("SlowDown", "Reduce your rate"))
    with faults.injected(url, rule, waits=0.001) as met:
        pause = {"Type": "Wait", "Seconds": 60, "Next": "Read"}
        began = time.monotonic()
        found = run(url, {"Pause": pause, "Read": {**READ, "Retry": AGAIN}}, "retried")
    assert (found["status"], found.get("output")) == ("SUCCEEDED", "1000")
    assert time.monotonic() - began < 30
    assert met() == {"slow-down": 1}


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        (Rule("r", "request", service="s3", operation="GetObject", error=Error("SlowDown")), "S3.S3Exception"),
        (Rule("r", "request", "after", "s3", "GetObject", cut=0), "S3.SdkClientException"),
        (Rule("r", "request", "after", "s3", "GetObject", cut=300), "S3.SdkClientException"),
    ],
    ids=["refused", "lost", "cut"],
)
def test_a_task_meets_what_its_request_meets(url: str, rule: Rule, error: str) -> None:
    with faults.injected(url, rule) as met:
        found = run(url, {"Read": READ}, "unanswered")
    assert (found["status"], found.get("error")) == ("FAILED", error), found.get("cause")
    assert met() == {"r": 1}


@pytest.mark.parametrize(
    ("service", "operation", "request_", "code", "status"),
    [
        ("s3", "GetObject", {"Bucket": BUCKET, "Key": "a/object"}, "SlowDown", 503),
        ("s3", "HeadBucket", {"Bucket": BUCKET}, "503", 503),
        ("s3", "ListObjectsV2", {"Bucket": BUCKET}, "InternalError", 500),
        ("sns", "ListTopics", {}, "Throttled", 429),
        ("sqs", "ListQueues", {}, "ThrottlingException", 400),
        ("sts", "GetCallerIdentity", {}, "ExpiredToken", 400),
        ("lambda", "ListFunctions", {}, "TooManyRequestsException", 429),
        ("glue", "GetJobs", {}, "ThrottlingException", 400),
        ("stepfunctions", "ListStateMachines", {}, "ServiceUnavailable", 503),
        ("redshift-data", "ListStatements", {}, "InternalServerException", 500),
        ("redshift", "DescribeClusters", {}, "Throttling", 400),
        ("logs", "DescribeLogGroups", {}, "ServiceUnavailableException", 503),
        ("events", "ListRules", {}, "InternalException", 500),
        ("secretsmanager", "ListSecrets", {}, "InternalServiceError", 500),
        ("kms", "ListKeys", {}, "KMSInternalException", 500),
        ("iam", "ListRoles", {}, "ServiceFailure", 500),
        ("scheduler", "ListSchedules", {}, "ThrottlingException", 429),
        ("ec2", "DescribeVpcs", {}, "RequestLimitExceeded", 503),
        ("ssm", "DescribeParameters", {}, "InternalServerError", 500),
    ],
)
def test_errors_are_in_the_protocol_of_their_service(
    url: str, service: str, operation: str, request_: dict[str, str], code: str, status: int
) -> None:
    sent = "SlowDown" if operation == "HeadBucket" else code
    rule = Rule("r", "request", service=service, operation=operation, error=Error(sent, "as told", status))
    asked = client(url, service)
    with faults.injected(url, rule), pytest.raises(ClientError) as raised:
        asked._make_api_call(operation, request_)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    if operation != "HeadBucket":
        assert answer["Error"]["Message"] == "as told"
    assert asked._make_api_call(operation, request_)["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_before_the_work_nothing_is_done_and_after_it_the_answer_is_lost(url: str) -> None:
    s3 = client(url, "s3")

    def there(key: str) -> bool:
        return bool(s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"])

    rules = [
        Rule("refused", "request", "before", "s3", "PutObject", {"Key": "before"}, error=Error("InternalError")),
        Rule("reset", "request", "before", "s3", "PutObject", {"Key": "reset"}, cut=0),
        Rule("late", "request", "after", "s3", "PutObject", {"Key": "after"}, error=Error("InternalError")),
        Rule("lost", "request", "after", "s3", "PutObject", {"Key": "lost"}, cut=0),
    ]
    with faults.injected(url, *rules) as met:
        for key, error in (("before", ClientError), ("reset", ConnectionClosedError)):
            with pytest.raises(error):
                s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
            assert not there(key)
        for key, error in (("after", ClientError), ("lost", ConnectionClosedError)):
            with pytest.raises(error):
                s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
            assert there(key)
    assert met() == {"refused": 1, "reset": 1, "late": 1, "lost": 1}


def test_a_body_is_cut_and_read_whole_the_next_time(url: str) -> None:
    s3 = client(url, "s3")
    with faults.injected(url, Rule("r", "request", "after", "s3", "GetObject", {"Key": "a/*"}, skip=1, cut=300)):
        assert len(s3.get_object(Bucket=BUCKET, Key="a/object")["Body"].read()) == 1000
        body = s3.get_object(Bucket=BUCKET, Key="a/object")["Body"]
        assert len(body.read(300)) == 300
        with pytest.raises(HTTPClientError):
            body.read()
        assert len(s3.get_object(Bucket=BUCKET, Key="a/object")["Body"].read()) == 1000


def test_a_request_is_delayed_and_a_rule_without_a_service_is_for_all(url: str) -> None:
    with faults.injected(url, Rule("r", "request", delay=0.3, times=2)) as met:
        began = time.monotonic()
        client(url, "s3").list_buckets()
        client(url, "sts").get_caller_identity()
        client(url, "sts").get_caller_identity()
    assert time.monotonic() - began >= 0.6
    assert met() == {"r": 2}


@dataclass
class Told:
    """A rule that sends the events of one source to a queue, and the texts that have arrived there."""

    events: Any
    sqs: Any
    queue: str
    arrived: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        entry = {"Source": "faults", "DetailType": "Told", "Detail": json.dumps({"text": text})}
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def have_arrived(self, count: int) -> bool | None:
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in found.get("Messages", []):
            self.arrived.append(json.loads(message["Body"])["detail"]["text"])
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return True if len(self.arrived) >= count else None


@pytest.fixture
def told(url: str) -> Iterator[Told]:
    sqs, events = client(url, "sqs", 3), client(url, "events", 3)
    queue = sqs.create_queue(QueueName="faults")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [{**may, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    events.put_rule(Name="faults", EventPattern=json.dumps({"source": ["faults"]}))
    events.put_targets(Rule="faults", Targets=[{"Id": "queue", "Arn": arn}])
    yield Told(events, sqs, queue)
    events.remove_targets(Rule="faults", Ids=["queue"])
    events.delete_rule(Name="faults")
    sqs.delete_queue(QueueUrl=queue)


def test_an_event_comes_twice_or_never(url: str, told: Told) -> None:
    match = {"rule": "faults", "target": "*:faults", "detail.text": "a*", "detail-type": "Told"}
    rules = [Rule("twice", "event", match=match, copies=2), Rule("never", "event", match=match, copies=0)]
    with faults.injected(url, *rules) as met:
        told.tell("a1")
        until(lambda: told.have_arrived(2), "both arrived")
        told.tell("a2")
        until(lambda: True if met()["never"] else None, "the event was not delivered")
        told.tell("a3")
        until(lambda: told.have_arrived(3), "the next one arrived")
    assert told.arrived == ["a1", "a1", "a3"]
    assert met() == {"twice": 1, "never": 1}


def test_the_examples_of_the_page_are_accepted_and_its_code_runs(url: str) -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    for example in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        document = yaml.safe_load(example)
        faults.put(url, document)
        assert set(faults.met(url)) == {rule["name"] for rule in document["faults"]}
    faults.clear(url)

    def ask_s3() -> None:
        with pytest.raises(ClientError, match="SlowDown"):
            client(url, "s3").list_buckets()

    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, {"endpoint_url": url, "ask_s3": ask_s3})


def test_a_bad_document_is_refused_by_name_and_the_rules_stay(url: str) -> None:
    with faults.injected(url, Rule("stays", "request", service="s3", operation="GetObject", cut=0)) as met:
        with pytest.raises(faults.FaultsRefusedError, match=r"faults\[0\] \(x\).at is 'tusk'; accepted: task, request"):
            faults.put(url, {"faults": [{"name": "x", "at": "tusk"}]})
        assert met() == {"stays": 0}
    assert faults.met(url) == {}
