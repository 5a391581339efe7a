"""Messages that LocalStack takes and AWS refuses; a test fails when a change is no longer needed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from localstack.aws.api import CommonServiceException
from localstack.services.events.provider import EventsProvider
from localstack.services.sns.provider import SnsProvider
from localstack.services.sqs.provider import SqsProvider

from aws_facts import messages
from local_aws.json_types import JsonMapping


def change() -> None:
    """Make the changes; more than once does no harm."""
    _check(SnsProvider, "publish", _published)
    _check(SnsProvider, "publish_batch", _published_together)
    _check(SqsProvider, "_put_message", _put)
    _check(EventsProvider, "put_events", _entered)


def _check(owner: type[Any], name: str, check: Callable[[JsonMapping], None]) -> None:
    operation = getattr(owner, name)
    if hasattr(operation, "_is_checked"):
        return
    signature = inspect.signature(operation)

    @functools.wraps(operation)
    def checked(*arguments: object, **named: object) -> Any:
        check(signature.bind(*arguments, **named).arguments)
        return operation(*arguments, **named)

    checked._is_checked = True  # type: ignore[attr-defined]
    setattr(owner, name, checked)


def _published(given: JsonMapping) -> None:
    _refuse_publish(given["message"], given.get("subject"), given.get("message_structure"))


def _published_together(given: JsonMapping) -> None:
    for entry in given["publish_batch_request_entries"]:
        _refuse_publish(entry.get("Message") or "", entry.get("Subject"), entry.get("MessageStructure"))


def _refuse_publish(message: str, subject: str | None, structure: str | None) -> None:
    if refused := messages.publish_refusal(message, subject, structure):
        raise CommonServiceException(messages.PUBLISH_ERROR, refused, sender_fault=True)


def _put(given: JsonMapping) -> None:
    if refused := messages.body_refusal(given.get("message_body")):
        raise CommonServiceException(messages.NO_BODY_ERROR, refused, sender_fault=True)
    if refused := messages.delay_refusal(given.get("delay_seconds")):
        raise CommonServiceException(messages.DELAY_ERROR, refused, sender_fault=True)


def _entered(given: Mapping[str, object]) -> None:
    if not given["entries"]:
        raise CommonServiceException("ValidationException", messages.NO_ENTRIES_REFUSED)
