"""What is changed in LocalStack's EventBridge: it is still needed, and does what it is for."""

from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any

import pytest

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
    return module


def test_a_transformed_event_has_no_id_to_name_an_execution(ours: Any) -> None:
    transformed, target = {"key": "k"}, {"InputTransformer": {"InputTemplate": '{"key": <key>}'}}
    with pytest.raises(KeyError, match="id"):
        sent(ours.StatesTargetSender.send_event, transformed, **target)
    ours.change()
    request = sent(ours.StatesTargetSender.send_event, transformed, **target)
    assert json.loads(request["input"]) == transformed
    assert "name" not in request


def test_a_whole_event_names_the_execution(ours: Any) -> None:
    ours.change()
    event = {"id": "event-1", "detail": {}}
    request = sent(ours.StatesTargetSender.send_event, event)
    assert request == {"stateMachineArn": MACHINE, "input": json.dumps(event), "name": "event-1"}
