"""LocalStack's EventBridge, closer to AWS where it has no seam; a test fails when the change is no longer needed."""

from __future__ import annotations

import copy
import itertools
import json
import time
from typing import Any

from localstack.services.events.target import StatesTargetSender, TargetSender
from localstack.services.s3.notifications import EventBridgeNotifier

from local_aws.engines.event_faults import deliver
from local_aws.services.faults.fault_rules import Faults

_process = TargetSender.process_event
_event_of_object = EventBridgeNotifier._get_event_payload
# Of 16 digits, and greater than those of an endpoint before.
_sequencers = itertools.count(time.time_ns())


def change(faults: Faults) -> None:
    """Make the changes; more than once does no harm."""
    # It names an execution after the event's ID, which an event that an input transformer wrote does not have.
    StatesTargetSender.send_event = _start_execution
    EventBridgeNotifier._get_event_payload = staticmethod(_with_sequencer)

    def process(self: TargetSender, event: Any, trace_header: Any) -> None:
        # The event is changed as it is sent.
        deliver(
            faults, self.rule_name, self.arn, lambda: event, lambda: _process(self, copy.deepcopy(event), trace_header)
        )

    TargetSender.process_event = process


def _start_execution(self: StatesTargetSender, event: Any, _trace_header: object) -> None:
    text = event if isinstance(event, str) else json.dumps(event)
    whole = not {"Input", "InputPath", "InputTransformer"} & {name for name, value in self.target.items() if value}
    self.service = "stepfunctions"  # the name of the client, which is made with the first use
    named = {"name": event["id"]} if whole else {}
    self.client.start_execution(stateMachineArn=self.target["Arn"], input=text, **named)


def _with_sequencer(*arguments: object) -> Any:
    """The event of an object, with a sequencer that grows; LocalStack says the same of all.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    entry = _event_of_object(*arguments)
    detail = json.loads(entry["Detail"])
    if "sequencer" in detail["object"]:
        detail["object"]["sequencer"] = f"{next(_sequencers):016X}"
    return {**entry, "Detail": json.dumps(detail)}
