"""Faults at the delivery of events: twice, later, or never. For both engines."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable

from local_aws.json_types import JsonMapping
from local_aws.services.faults.fault_rules import Faults, Occasion


def deliver(
    faults: Faults, rule: str, target: str, event: Callable[[], JsonMapping], invoke: Callable[[], object]
) -> None:
    """Deliver an event to a target of a rule, or do with it what a rule of the faults says.

    Args:
        faults: of the endpoint.
        rule: the name of EventBridge's rule, or of a schedule.
        target: its ARN.
        event: makes the event as the target gets it.
        invoke: delivers it once.
    """
    found = None
    if faults.event:
        occasion = Occasion(members=event(), names={"rule": rule, "target": target})
        found = faults.take(faults.event, "before", occasion)
    if found is None:
        invoke()
        return
    fault, copies = found, 1 if found.copies is None else found.copies

    def invoke_all() -> None:
        faults.kill(fault)
        for _ in range(copies):
            invoke()

    if fault.delay:
        # Whoever sent the event does not wait.
        timer = threading.Timer(fault.delay, contextvars.copy_context().run, (invoke_all,))
        timer.daemon = True
        timer.start()
    else:
        invoke_all()
