"""Start a job. Its ID is known at once: it is a pure function of what Step Functions answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from aws_facts import states_api
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.naming import as_json, near
from dataset_contract.parameters import ParameterError, resolve
from lambda_generate_param import job_id
from lambda_generate_param.request import InvalidInputError, source_uri
from pipeline import executions
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from dataset_contract.model import Contract
    from pipeline.stacks import Stack

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,9})?", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Started:
    """An execution that was started, and the job that it works on.

    Attributes:
        document: its input.
    """

    job_id: str
    execution_arn: str
    started_at: datetime
    document: JsonMapping


def parameters(contract: Contract, given: Sequence[str]) -> JsonObject:
    """The values of `name=value` texts, each of the type that the contract gives to its parameter.

    Raises:
        UsageError: a text has no `=`, a name is unknown or there twice, or a value is not accepted.
    """
    values: JsonObject = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--param {text!r} has no =; accepted: name=value")
        if name in values:
            raise UsageError(f"--param {name} is given twice")
        if name not in contract.parameters:
            known = ", ".join(contract.parameters) or "none"
            raise UsageError(
                f"--param {name!r} is unknown for dataset {as_json(contract.dataset)}"
                f"{near(name, contract.parameters)}; known: {known}"
            )
        values[name] = _typed(contract.parameters[name].type, value)
    try:
        resolve(contract, values)
    except ParameterError as error:
        raise UsageError(str(error)) from error
    return values


def _typed(kind: str, text: str) -> Any:
    """The value that a text means; the text itself where it is none, which the contract's check then refuses."""
    if kind == "boolean":
        return _BOOLEANS.get(text, text)
    if kind not in ("integer", "number"):
        return text
    if not _NUMBER.fullmatch(text):  # Decimal takes digits of any script, 3_0 and spaces as well
        return text
    number = Decimal(text)
    whole = number == number.to_integral_value() and abs(number) < 2**64
    return int(number) if whole else text if kind == "integer" else float(number)


def document(
    stack: Stack,
    dataset: str,
    uri: str,
    values: Mapping[str, object],
    *,
    repeat: bool = False,
    replays: str | None = None,
) -> JsonObject:
    """The execution input.

    Raises:
        UsageError: the URI is no place in the raw bucket.
    """
    try:
        source_uri(uri, stack.outputs["raw_bucket"])
    except InvalidInputError as error:
        raise UsageError(str(error)) from error
    made: JsonObject = {"dataset": dataset, "source_uri": uri, "parameters": dict(values)}
    if repeat:
        made["repeat"] = True
    if replays:
        made["replays"] = replays
    return made


def check_name(name: str) -> None:
    """Raises UsageError where Step Functions takes no execution of that name."""
    if not re.fullmatch(states_api.NAME, name):
        raise UsageError(f"--name {name!r} is not a name of an execution; accepted: {states_api.NAME_IN_WORDS}")


def check_free(stack: Stack, name: str) -> None:
    """Raises UsageError where an execution has the name; one that loads an upload always has an input of its own."""
    arn = f"{stack.outputs['state_machine_arn'].replace(':stateMachine:', ':execution:', 1)}:{name}"
    if executions.describe(stack.client("stepfunctions"), arn):
        raise UsageError(_taken(name))


def _taken(name: str) -> str:
    return f"--name {name!r} is taken, for 90 days: an execution with it has ended, or has another input"


def start(stack: Stack, given: JsonMapping, *, name: str | None = None) -> Started:
    """Start an execution. A name and input of one that runs give that one.

    Raises:
        UsageError: the name is taken.
    """
    client, machine = stack.client("stepfunctions"), stack.outputs["state_machine_arn"]
    named = {"name": name} if name else {}
    try:
        answer = client.start_execution(stateMachineArn=machine, input=json.dumps(given), **named)
    except ClientError as error:
        if name and error.response["Error"]["Code"] == "ExecutionAlreadyExists":
            raise UsageError(_taken(name)) from error
        raise
    began = answer["startDate"].astimezone(UTC)
    millis = int(began.timestamp()) * 1000 + began.microsecond // 1000
    arn = answer["executionArn"]
    own = job_id.make(arn, millis)
    return Started(given["job_id"] if job_id.is_continued(given) else own, arn, began, given)
