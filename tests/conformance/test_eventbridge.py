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
