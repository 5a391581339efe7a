"""EventBridge."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.conftest import Aws, until


def test_status_change(aws: Aws) -> None:
    """a failed execution's status event starts another state machine"""
    events, states = aws.client("events"), aws.client("stepfunctions")
    watched = aws.machine({"Fail": {"Type": "Fail", "Error": "Wrong", "Cause": "why"}})
    told = aws.machine({"Pass": {"Type": "Pass", "End": True}})
    rule = aws.name()
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["FAILED"], "stateMachineArn": [watched]},
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "told", "Arn": told, "RoleArn": aws.role}])
    failed = aws.start(watched, {"n": 1})

    def started() -> dict[str, Any] | None:
        found = states.list_executions(stateMachineArn=told)["executions"]
        return states.describe_execution(executionArn=found[0]["executionArn"]) if found else None

    event = json.loads(until(started, "the rule's target was started")["input"])
    detail = event["detail"]
    assert event["source"] == "aws.states"
    assert (detail["executionArn"], detail["status"], detail["error"]) == (failed, "FAILED", "Wrong")
    # Milliseconds since 1970-01-01 UTC.
    assert isinstance(detail["startDate"], int)
    assert isinstance(detail["stopDate"], int)
    assert json.loads(detail["input"]) == {"n": 1}


def test_encrypted_queue(aws: Aws) -> None:
    """a rule sends to a queue under a KMS key only where the key's policy lets EventBridge, without a source"""
    kms, sqs, events, name = aws.client("kms"), aws.client("sqs"), aws.client("events"), aws.name()
    sender = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": "*"}
    account = aws.client("sts").get_caller_identity()["Account"]
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*", "Resource": "*"}
    use = {**sender, "Action": ["kms:Decrypt", "kms:GenerateDataKey"]}
    with_source = {**use, "Condition": {"StringEquals": {"aws:SourceAccount": account}}}
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))

    def target(kind: str, statement: object) -> str:
        """A queue that the rule sends to, under a key with this statement; its URL."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": [root, statement]})
        key = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
        attributes = {
            "KmsMasterKeyId": key,
            "Policy": json.dumps({"Statement": [{**sender, "Action": "sqs:SendMessage"}]}),
        }
        url: str = sqs.create_queue(QueueName=f"{name}-{kind}", Attributes=attributes)["QueueUrl"]
        queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_targets(Rule=name, Targets=[{"Id": kind, "Arn": queue}])
        return url

    refused, taken = target("refused", with_source), target("taken", use)
    sent = [0, 1, 2]
    for number in sent:
        events.put_events(Entries=[{"Source": name, "DetailType": "Test", "Detail": json.dumps({"number": number})}])
    found: list[int] = []

    def arrived() -> list[int] | None:
        messages = sqs.receive_message(QueueUrl=taken, MaxNumberOfMessages=10).get("Messages", [])
        found.extend(json.loads(message["Body"])["detail"]["number"] for message in messages)
        return found if len(found) >= len(sent) else None

    assert sorted(until(arrived, "the events arrived")) == sent
    # What the first events would have brought has come by now.
    assert "Messages" not in sqs.receive_message(QueueUrl=refused, MaxNumberOfMessages=10)
