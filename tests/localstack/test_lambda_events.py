"""What is changed in LocalStack's asynchronous invocations: it is still needed, and does what it is for."""

from __future__ import annotations

import importlib
import threading
from types import SimpleNamespace
from typing import Any

import pytest

QUEUE = "events"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, on a queue of its own that is LocalStack's."""
    queues: Any = importlib.import_module("localstack.services.lambda_.invocation.internal_sqs_queue")
    ours: Any = importlib.import_module("local_aws.engines.localstack.lambda_events")
    client = queues.FakeSqsClient(queues.QueueManager())
    client.create_queue(QueueName=QUEUE)
    monkeypatch.setattr(ours.event_manager, "get_sqs_client", lambda *_args, **_kwargs: client)
    monkeypatch.setattr(ours.Poller, "run", ours.Poller.run)
    return ours


def poller(module: Any) -> Any:
    name = SimpleNamespace(function_name="f", qualifier="$LATEST", account="000000000000", region="us-east-1")
    version = SimpleNamespace(id=name, config=SimpleNamespace(timeout=60), qualified_arn="arn:aws:lambda:f")
    return module.Poller(SimpleNamespace(function_version=version), QUEUE)


def left_by_a_stopped_poller(module: Any) -> list[str]:
    """The events that the next poller gets at once, when one comes while the poller is being stopped."""
    client, stopped = module.event_manager.get_sqs_client(None), poller(module)
    client.send_message(QueueUrl=QUEUE, MessageBody="event")
    receive = client.receive_message

    def stop_meanwhile(**request: Any) -> Any:
        found = receive(**request)
        stopped.stop()
        return found

    client.receive_message = stop_meanwhile
    thread = threading.Thread(target=stopped.run)
    thread.start()
    thread.join()
    left = receive(QueueUrl=QUEUE, MaxNumberOfMessages=10, WaitTimeSeconds=0, VisibilityTimeout=60)["Messages"]
    return [message["Body"] for message in left or []]


def test_localstack_itself_drops_an_event_that_comes_while_a_poller_is_stopped(module: Any) -> None:
    assert left_by_a_stopped_poller(module) == [], "the change is no longer needed"


def test_an_event_that_comes_while_a_poller_is_stopped_is_given_back(module: Any) -> None:
    module.change()
    assert left_by_a_stopped_poller(module) == ["event"]


def test_an_event_is_handled_once(module: Any) -> None:
    module.change()
    client, running = module.event_manager.get_sqs_client(None), poller(module)
    handled: list[str] = []

    def handle(message: dict[str, Any]) -> None:
        handled.append(message["Body"])
        running.stop()

    running.handle_message = handle
    client.send_message(QueueUrl=QUEUE, MessageBody="event")
    running.run()
    assert handled == ["event"]
