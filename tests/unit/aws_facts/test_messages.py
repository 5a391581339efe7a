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
