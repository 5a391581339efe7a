"""An execution's input: JSON, or a refusal in the words of the JSON parser that AWS uses."""

from __future__ import annotations

import json
import re
from typing import Final

from aws_facts.states_api import MOST_STATE_BYTES
from local_aws.errors import AwsError

_VALUES: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_WORD: Final = re.compile(r"[^\W\d]\w*")


def read(text: str | None) -> str:
    """A request's `input`, which is JSON; "{}" where it has none.

    Raises:
        AwsError: InvalidExecutionInput, or ValidationException where it is larger than 256 KiB.
    """
    if text is None:
        return "{}"
    if len(text.encode()) > MOST_STATE_BYTES:
        rule = f"Member must have length less than or equal to {MOST_STATE_BYTES}"
        message = f"1 validation error detected: Value at 'input' failed to satisfy constraint: {rule}"
        raise AwsError("ValidationException", message)
    try:
        json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        message = f"Invalid State Machine Execution Input: '{json_error(text, error)}'"
        raise AwsError("InvalidExecutionInput", message) from error
    return text


def _no_constant(name: str) -> float:
    # Python reads NaN and Infinity, which are not JSON.
    raise ValueError(name)


def json_error(text: str, error: ValueError) -> str:
    """What the parser says of a text that is not JSON."""
    if not text.strip():
        return "Invalid execution input."
    place = error.pos if isinstance(error, json.JSONDecodeError) else text.find(str(error))
    rest = text[place:].lstrip()
    word = _WORD.match(rest)
    expects_key = isinstance(error, json.JSONDecodeError) and "property name" in error.msg
    if word:
        return f"Unrecognized token '{word[0]}': was expecting {_VALUES}"
    if not rest:
        return "Unexpected end-of-input"
    expected = "double-quote to start field name" if expects_key else "a valid value " + _VALUES
    return f"Unexpected character ('{rest[0]}' (code {ord(rest[0])})): was expecting {expected}"
