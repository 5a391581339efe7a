"""What SNS and SQS take."""

from __future__ import annotations

import pytest

from aws_facts import messages


@pytest.mark.parametrize("subject", ["x" * 100, "a b", "[local] failed: ~", None])
def test_subjects_that_are_published(subject: str | None) -> None:
    assert messages.publish_refusal("text", subject) == ""


@pytest.mark.parametrize("subject", ["x" * 101, "", " a", "a\nb", "a\tb", "über", "a\x7f"])
def test_subjects_that_are_refused(subject: str) -> None:
    assert messages.publish_refusal("text", subject) == "Invalid parameter: Subject"


def test_a_message_has_a_text() -> None:
    assert messages.publish_refusal("", None) == "Invalid parameter: Empty message"
    assert messages.body_refusal("") == messages.body_refusal(None) != messages.body_refusal("text") == ""


@pytest.mark.parametrize(("seconds", "taken"), [(None, True), (0, True), (900, True), (901, False), (-1, False)])
def test_delays(seconds: int | None, taken: bool) -> None:
    assert (messages.delay_refusal(seconds) == "") == taken


@pytest.mark.parametrize("message", ['{"default": ""}', '{"default": "a", "sqs": 1, "email": "b"}'])
def test_messages_for_each_protocol_that_are_published(message: str) -> None:
    assert messages.publish_refusal(message, None, "json") == ""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("text", "JSON message body failed to parse"),
        ("[1]", "JSON message body failed to parse"),
        ("[" * 30_000, "JSON message body failed to parse"),
        ('{"sqs": "a"}', "No default entry in JSON message body"),
        ('{"default": {"a": 1}}', "No default entry in JSON message body"),
    ],
)
def test_messages_for_each_protocol_that_are_refused(message: str, said: str) -> None:
    assert messages.publish_refusal(message, None, "json") == f"Invalid parameter: Message Structure - {said}"
    assert messages.publish_refusal(message, None, None) == ""


def test_what_is_no_text_is_for_no_protocol() -> None:
    assert messages.texts_by_protocol({"default": "a", "sqs": 1, "email": None, "http": ""}) == {
        "default": "a",
        "http": "",
    }
