"""What is changed in LocalStack's EventBridge: it is still needed, and does what it is for."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

from local_aws.services.faults.fault_rules import FaultPlan, Faults, Rule

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"


def sent(send: Any, event: Any, **target: Any) -> dict[str, Any]:
    started: list[dict[str, Any]] = []
    client = SimpleNamespace(start_execution=lambda **request: started.append(request))
    send(SimpleNamespace(target={"Arn": MACHINE, **target}, client=client), event, None)
    return started[0]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = importlib.import_module("local_aws.engines.localstack.eventbridge")
    monkeypatch.setattr(module.StatesTargetSender, "send_event", module.StatesTargetSender.send_event)
    monkeypatch.setattr(module.TargetSender, "process_event", module.TargetSender.process_event)
    made = staticmethod(module.EventBridgeNotifier._get_event_payload)
    monkeypatch.setattr(module.EventBridgeNotifier, "_get_event_payload", made)
    return module


def test_a_transformed_event_has_no_id_to_name_an_execution(ours: Any) -> None:
    transformed, target = {"key": "k"}, {"InputTransformer": {"InputTemplate": '{"key": <key>}'}}
    with pytest.raises(KeyError, match="id"):
        sent(ours.StatesTargetSender.send_event, transformed, **target)
    ours.change(Faults())
    request = sent(ours.StatesTargetSender.send_event, transformed, **target)
    assert json.loads(request["input"]) == transformed
    assert "name" not in request


def test_a_whole_event_names_the_execution(ours: Any) -> None:
    ours.change(Faults())
    event = {"id": "event-1", "detail": {}}
    request = sent(ours.StatesTargetSender.send_event, event)
    assert request == {"stateMachineArn": MACHINE, "input": json.dumps(event), "name": "event-1"}


@pytest.mark.parametrize(("copies", "match"), [(0, "FAILED"), (2, "FAILED"), (1, "SUCCEEDED")])
def test_an_event_is_delivered_as_often_as_a_fault_says(ours: Any, copies: int, match: str) -> None:
    faults = Faults(FaultPlan((Rule("r", "event", match={"detail.status": match, "rule": "failed"}, copies=copies),)))
    ours.change(faults)
    started: list[Any] = []
    sender = SimpleNamespace(
        target={"Arn": MACHINE},
        arn=MACHINE,
        rule_name="failed",
        send_event=lambda event, _trace: started.append(event),
    )
    event = {"id": "event-1", "event-bus-name": "default", "detail": {"status": "FAILED"}}

    ours.TargetSender.process_event(sender, event, None)

    assert started == [{"id": "event-1", "detail": {"status": "FAILED"}}] * copies


def sequencer(ours: Any) -> str:
    context = SimpleNamespace(
        region="us-east-1",
        bucket_name="b",
        key_name="k",
        key_size=0,
        key_etag="e",
        key_version_id=None,
        event_time=None,
        event_type="s3:ObjectCreated:Put",
        request_id="r",
        xray=None,
    )
    entry = ours.EventBridgeNotifier._get_event_payload(context, None)
    return str(json.loads(entry["Detail"])["object"]["sequencer"])


def test_each_event_of_an_object_has_a_sequencer_of_its_own_that_grows(ours: Any) -> None:
    assert sequencer(ours) == sequencer(ours), "LocalStack gives sequencers now"
    ours.change(Faults())
    found = [sequencer(ours) for _ in range(3)]
    assert sorted(set(found)) == found
