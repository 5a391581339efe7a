"""LocalStack's asynchronous invocations, closer to AWS where it has no seam."""

from __future__ import annotations

import time
from typing import Any

from localstack.services.lambda_.invocation import event_manager
from localstack.services.lambda_.invocation.event_manager import Poller

from local_aws.json_types import JsonObject

_SECONDS_OF_A_POLL = 2
_SECONDS_BEFORE_A_NEW_POLL = 1.0
_MOST_MESSAGES = 10


def change() -> None:
    """Make the change; more than once does no harm."""
    Poller.run = _run


def _run(self: Poller, *_args: object, **_kwargs: object) -> None:
    """Hand events to the function until the poller is stopped, and give back those that came with the stop.

    A change of the function replaces its poller. LocalStack's drops what its last poll brings, so these events stay
    invisible to the new poller for more than a minute.
    """
    version = self.version_manager.function_version
    client = event_manager.get_sqs_client(version, client_config=event_manager.CLIENT_CONFIG)
    # The new poller sees an event again after this time, should this one neither handle it nor give it back.
    seconds = version.config.timeout + 60
    while not self._shutdown_event.is_set():
        try:
            messages = _received(client, self.event_queue_url, seconds)
        except Exception as error:  # the queue is gone, or LocalStack ends
            if not self._shutdown_event.is_set():
                event_manager.LOG.error("polling events for %s: %s", version.qualified_arn, error)
                time.sleep(_SECONDS_BEFORE_A_NEW_POLL)
            continue
        for message in messages:
            try:
                self.invoker_pool.submit(self.handle_message, message)
            except RuntimeError:  # the pool was shut down: the poller is stopped
                _give_back(client, self.event_queue_url, message)


def _received(client: Any, queue: str, invisible_seconds: int) -> list[JsonObject]:
    found = client.receive_message(
        QueueUrl=queue,
        WaitTimeSeconds=_SECONDS_OF_A_POLL,
        MaxNumberOfMessages=_MOST_MESSAGES,
        VisibilityTimeout=invisible_seconds,
    )
    return found.get("Messages") or []


def _give_back(client: Any, queue: str, message: JsonObject) -> None:
    client.queue_manager.get_queue(queue).update_visibility_timeout(message["ReceiptHandle"], 0)
