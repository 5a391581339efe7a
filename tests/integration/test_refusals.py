"""Requests that AWS refuses: both engines do too, in its words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from aws_facts import sdk_environment
from pipeline_tools.endpoint import LocalEndpoint

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def client(endpoint: LocalEndpoint) -> Client:
    """Clients that send what botocore would refuse by itself."""
    return lambda service: sdk_environment.session().client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint.endpoint_url,
        region_name=endpoint.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(parameter_validation=False, proxies={}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture(scope="module")
def topic(client: Client) -> Iterator[str]:
    sns = client("sns")
    arn: str = sns.create_topic(Name="refusals")["TopicArn"]
    yield arn
    sns.delete_topic(TopicArn=arn)


@pytest.fixture(scope="module")
def queue(client: Client) -> Iterator[str]:
    sqs = client("sqs")
    url: str = sqs.create_queue(QueueName="refusals")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def refused(call: Callable[..., Any], **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("subject", ["x" * 101, "a\nb", "über"])
def test_a_subject_is_ascii_of_one_line_and_at_most_100_characters(client: Client, topic: str, subject: str) -> None:
    sns = client("sns")
    told = ("InvalidParameter", "Invalid parameter: Subject")
    assert refused(sns.publish, TopicArn=topic, Message="m", Subject=subject) == told
    entries = [{"Id": "1", "Message": "m", "Subject": subject}]
    assert refused(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == told
    sns.publish(TopicArn=topic, Message="m", Subject="x" * 100)


def test_a_message_is_not_empty(client: Client, topic: str) -> None:
    told = ("InvalidParameter", "Invalid parameter: Empty message")
    assert refused(client("sns").publish, TopicArn=topic, Message="") == told


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("m", "JSON message body failed to parse"),
        ('["m"]', "JSON message body failed to parse"),
        ('{"sqs": "m"}', "No default entry in JSON message body"),
    ],
)
def test_a_message_for_each_protocol_has_a_default(client: Client, topic: str, message: str, said: str) -> None:
    told = ("InvalidParameter", f"Invalid parameter: Message Structure - {said}")
    structured = {"Message": message, "MessageStructure": "json"}
    assert refused(client("sns").publish, TopicArn=topic, **structured) == told
    entries = [{"Id": "1", **structured}]
    assert refused(client("sns").publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries) == told


@pytest.mark.parametrize(("own", "got"), [({"sqs": "own", "email": "m"}, "own"), ({"sqs": 7}, "d"), ({}, "d")])
def test_a_queue_gets_the_message_for_queues(client: Client, topic: str, queue: str, own: Any, got: str) -> None:
    sns, sqs = client("sns"), client("sqs")
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    try:
        sns.publish(TopicArn=topic, Message=json.dumps({"default": "d", **own}), MessageStructure="json")
        [received] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
        assert json.loads(received["Body"])["Message"] == got
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


@pytest.mark.parametrize("body", [{}, {"MessageBody": ""}])
def test_what_is_sent_to_a_queue_is_not_empty(client: Client, queue: str, body: dict[str, str]) -> None:
    code, message = refused(client("sqs").send_message, QueueUrl=queue, **body)
    assert (code.rpartition(".")[2], message) == (
        "MissingParameter",
        "The request must contain the parameter MessageBody.",
    )


@pytest.mark.parametrize("seconds", [901, -1])
def test_a_message_is_delayed_by_at_most_15_minutes(client: Client, queue: str, seconds: int) -> None:
    sqs = client("sqs")
    message = f"Value {seconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."
    code, said = refused(sqs.send_message, QueueUrl=queue, MessageBody="m", DelaySeconds=seconds)
    assert (code.rpartition(".")[2], said) == ("InvalidParameterValue", message)
    entries = [{"Id": "1", "MessageBody": "m", "DelaySeconds": seconds}]
    failed = sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Failed"]
    assert [found["Message"] for found in failed] == [message]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@pytest.fixture(scope="module")
def role(client: Client) -> Iterator[str]:
    iam = client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    yield str(iam.create_role(RoleName="refusals", AssumeRolePolicyDocument=policy)["Role"]["Arn"])
    iam.delete_role(RoleName="refusals")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"Type": "Pass", "Seconds": 1}, "Field 'Seconds' is not supported"),
        ({"Type": "Wait", "Seconds": -1}, "Minimum value is 0"),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Arguments": {"Message": "m", "Topic": "t"}},
            "The field 'Topic' is not supported by Step Functions",
        ),
    ],
)
def test_a_definition_has_no_other_fields_than_aws_takes(
    client: Client, role: str, state: dict[str, Any], message: str
) -> None:
    states = client("stepfunctions")
    definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": {**state, "End": True}}}
    given = {"name": "refused", "roleArn": role, "definition": json.dumps(definition)}
    code, said = refused(states.create_state_machine, **given)
    assert code == "InvalidDefinition"
    assert message in said


def test_a_state_machine_has_at_most_50_tags(client: Client, role: str) -> None:
    states = client("stepfunctions")
    definition = json.dumps({"StartAt": "Only", "States": {"Only": {"Type": "Succeed"}}})
    given = {"name": "tagged", "roleArn": role, "definition": definition}
    tags = [{"key": f"k{number}", "value": ""} for number in range(51)]
    assert refused(states.create_state_machine, **given, tags=tags)[0] == "TooManyTags"
    arn = states.create_state_machine(**given, tags=tags[:50])["stateMachineArn"]
    assert refused(states.tag_resource, resourceArn=arn, tags=tags[50:])[0] == "TooManyTags"
    states.delete_state_machine(stateMachineArn=arn)


@pytest.mark.parametrize("command", [{"Name": "spark"}, {"Name": "pythonshell", "PythonVersion": "3.7"}])
def test_a_job_runs_what_glue_has(client: Client, command: dict[str, str]) -> None:
    glue = client("glue")
    given = {"Name": "refused", "Role": "r", "Command": {"ScriptLocation": "s3://b/s.py", **command}}
    assert refused(glue.create_job, **given)[0] in ("InvalidInputException", "ValidationException")
    assert refused(glue.get_job, JobName="refused")[0] == "EntityNotFoundException"


def test_events_are_sent_by_one_at_least(client: Client) -> None:
    code, message = refused(client("events").put_events, Entries=[])
    assert code == "ValidationException"
    assert message.endswith("Member must have length greater than or equal to 1")


@pytest.fixture(scope="module")
def machine(client: Client) -> Iterator[str]:
    states, iam = client("stepfunctions"), client("iam")
    allow = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    role = iam.create_role(RoleName="names-of-executions", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    made = states.create_state_machine(name="names-of-executions", definition=definition, roleArn=role)
    yield made["stateMachineArn"]
    states.delete_state_machine(stateMachineArn=made["stateMachineArn"])
    iam.delete_role(RoleName="names-of-executions")


@pytest.mark.parametrize("name", ["a b", "a:b", "a*", "x" * 81])
def test_a_name_that_an_execution_may_not_have_starts_none(client: Client, machine: str, name: str) -> None:
    states = client("stepfunctions")
    told = ("InvalidName", f"Invalid Name: '{name}'")
    assert refused(states.start_execution, stateMachineArn=machine, name=name) == told
    assert states.list_executions(stateMachineArn=machine)["executions"] == []
