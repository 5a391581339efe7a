"""Requests that AWS's services refuse, and MiniStack would not."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.engines.ministack.corrections import SECRET_NAME, refusal

ENTRY = {"Source": "s", "DetailType": "t", "Detail": "{}"}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"Source": ""}, "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."),
        (
            {"DetailType": None},
            "InvalidArgument",
            "Parameter DetailType is not valid. Reason: DetailType is a required argument.",
        ),
        ({"Detail": ""}, "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."),
        ({"Detail": '"text"'}, "MalformedDetail", "Detail is malformed."),
        ({"Detail": "{"}, "MalformedDetail", "Detail is malformed."),
    ],
)
def test_an_entry_that_eventbridge_refuses(change: dict[str, Any], code: str, message: str) -> None:
    assert refusal({**ENTRY, **change}) == {"ErrorCode": code, "ErrorMessage": message}


def test_an_entry_that_eventbridge_takes() -> None:
    assert refusal(ENTRY) is None


@pytest.mark.parametrize(
    ("name", "taken"), [("a/b-c_d+e=f.g@h!", True), ("redshift!x", True), ("a b", False), ("", False)]
)
def test_names_of_secrets(name: str, taken: bool) -> None:
    assert (SECRET_NAME.fullmatch(name) is not None) == taken
