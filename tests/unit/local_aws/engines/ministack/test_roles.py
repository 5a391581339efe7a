"""Which statements of a trust policy let a service use a role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_aws.engines.ministack.roles import naming

STATES = "states.amazonaws.com"


@pytest.mark.parametrize(
    ("principal", "is_named"),
    [
        ({"Service": STATES}, True),
        ({"Service": ["lambda.amazonaws.com", STATES]}, True),
        ({"Service": STATES, "AWS": "*"}, True),
        ({"Service": "lambda.amazonaws.com"}, False),
        ({"AWS": "*"}, False),
        ("*", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("in_brackets", [True, False])
@pytest.mark.parametrize("as_text", [True, False])
def test_a_service_is_named_however_the_policy_is_written(
    principal: Any, is_named: bool, in_brackets: bool, as_text: bool
) -> None:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    if principal is not None:
        statement["Principal"] = principal
    document: Any = {"Statement": [statement] if in_brackets else statement}

    found = naming(json.dumps(document) if as_text else document, STATES)["Statement"]

    assert found == ([{**statement, "Resource": "*"}] if is_named else [])
