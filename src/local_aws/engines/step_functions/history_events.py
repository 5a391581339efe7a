"""Status events of executions.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aws_facts.states_api import MOST_EVENT_BYTES
from local_aws.engines.step_functions.interpreter import Interpreter
from local_aws.json_types import JsonObject

# An execution, and an entry of PutEvents.
Emit = Callable[[Any, JsonObject], None]
Publish = Callable[[Any], None]
# The ARN of an execution, and whether it runs.
Note = Callable[[str, bool], None]

_log = logging.getLogger(__name__)
# In every status event, as null where an execution has none.
_OPTIONAL_DETAILS = (
    "stateMachineVersionArn",
    "stateMachineAliasArn",
    "stopDate",
    "output",
    "outputDetails",
    "error",
    "cause",
    "redriveDate",
    "redriveStatusReason",
)
_NOT_IN_EVENTS = ("traceHeader",)


def publisher(interpreter: Interpreter, emit: Emit, note: Note) -> Publish:
    """What notes and tells the status of an execution of a Standard state machine; others tell nobody."""
    execution_type = interpreter.get("backend.execution", "Execution")
    standard = interpreter.of_api("StateMachineType").STANDARD
    running = interpreter.of_api("ExecutionStatus").RUNNING

    def publish(execution: Any) -> None:
        if type(execution) is not execution_type or execution.sm_type != standard:
            return
        note(execution.exec_arn, execution.exec_status == running)
        try:
            emit(execution, status_event(execution))
        except Exception:  # an execution does not depend on who is told about it
            _log.exception("the status of %s could not be sent to EventBridge", execution.exec_arn)

    return publish


def status_event(execution: Any) -> JsonObject:
    """The entry of PutEvents; its times are milliseconds since 1970-01-01 UTC."""
    described = {**dict.fromkeys(_OPTIONAL_DETAILS), **execution.to_describe_output()}
    _leave_out_what_is_too_large(described)
    detail = {name: _milliseconds(value) for name, value in described.items() if name not in _NOT_IN_EVENTS}
    return {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Resources": [execution.exec_arn],
        "Detail": json.dumps(detail),
    }


def _leave_out_what_is_too_large(described: JsonObject) -> None:
    sizes = {name: len(json.dumps(described[name])) if described.get(name) else 0 for name in ("input", "output")}
    if sizes["output"] > MOST_EVENT_BYTES:
        described |= {"output": None, "outputDetails": {"included": False}}
    if sum(sizes.values()) > MOST_EVENT_BYTES:
        described |= {"input": None, "inputDetails": {"included": False}}


def _milliseconds(value: object) -> Any:
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value
