"""What SNS, SQS and EventBridge refuse of a message, with the words in which they do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

# ASCII that begins with a letter, a number or punctuation, without control characters:
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html; 100 characters are taken and 101 are not:
# https://github.com/getmoto/moto/issues/1503, which has the words too
_SUBJECT: Final = re.compile(r"[!-~][ -~]{0,99}")
_SUBJECT_REFUSED: Final = "Invalid parameter: Subject"
# LocalStack's tests, recorded on AWS
_EMPTY_REFUSED: Final = "Invalid parameter: Empty message"
# LocalStack's tests, recorded on AWS: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html, MessageStructure
_STRUCTURE: Final = "Invalid parameter: Message Structure - "
_NO_JSON_REFUSED: Final = f"{_STRUCTURE}JSON message body failed to parse"
_NO_DEFAULT_REFUSED: Final = f"{_STRUCTURE}No default entry in JSON message body"
PUBLISH_ERROR: Final = "InvalidParameter"

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html; the words were seen by
# goaws' conformance tests against SQS
MOST_DELAY_SECONDS: Final = 900
DELAY_ERROR: Final = "InvalidParameterValue"

# LocalStack's tests, recorded on AWS
NO_BODY_ERROR: Final = "MissingParameter"
_NO_BODY_REFUSED: Final = "The request must contain the parameter MessageBody."

# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
NO_ENTRIES_REFUSED: Final = (
    "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: "
    "Member must have length greater than or equal to 1"
)


def publish_refusal(message: str, subject: str | None, structure: str | None = None) -> str:
    """What SNS says of a message that it does not publish; empty of one that it does.

    Args:
        structure: `json` for a message of its own for each protocol, or none.
    """
    if subject is not None and not _SUBJECT.fullmatch(subject):
        return _SUBJECT_REFUSED
    if not message:
        return _EMPTY_REFUSED
    if structure != "json":
        return ""
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return _NO_JSON_REFUSED
    if not isinstance(document, dict):
        return _NO_JSON_REFUSED
    return "" if "default" in texts_by_protocol(document) else _NO_DEFAULT_REFUSED


def texts_by_protocol(document: Mapping[str, object]) -> dict[str, str]:
    """The members of a message for each protocol that count: one that is not a text is ignored."""
    return {protocol: text for protocol, text in document.items() if isinstance(text, str)}


def body_refusal(body: str | None) -> str:
    """What SQS says of a message without a text; empty of one that has it."""
    return "" if body else _NO_BODY_REFUSED


def delay_refusal(seconds: int | None) -> str:
    """What SQS says of the delay of a message; empty where it takes it."""
    if seconds is None or 0 <= seconds <= MOST_DELAY_SECONDS:
        return ""
    rule = f"DelaySeconds must be >= 0 and <= {MOST_DELAY_SECONDS}."
    return f"Value {seconds} for parameter DelaySeconds is invalid. Reason: {rule}"
