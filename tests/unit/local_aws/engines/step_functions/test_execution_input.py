"""Inputs of executions that are not JSON, as AWS's parser words it."""

from __future__ import annotations

import pytest

from local_aws.engines.step_functions import execution_input
from local_aws.errors import AwsError

VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not some json", f"Unrecognized token 'not': was expecting {VALUES}"),
        ("{'not': 'json'}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name"),
        ("", "Invalid execution input."),
        ("  ", "Invalid execution input."),
        ('{"a": ', "Unexpected end-of-input"),
        ('{"a": NaN}', f"Unrecognized token 'NaN': was expecting {VALUES}"),
        ("[Infinity]", f"Unrecognized token 'Infinity': was expecting {VALUES}"),
    ],
)
def test_an_input_that_is_no_json_is_refused(text: str, said: str) -> None:
    with pytest.raises(AwsError) as error:
        execution_input.read(text)

    assert (error.value.code, error.value.message) == (
        "InvalidExecutionInput",
        f"Invalid State Machine Execution Input: '{said}'",
    )


@pytest.mark.parametrize("text", ['{"a": 1}', "2", '"text"', "null", "[]"])
def test_any_json_is_an_input(text: str) -> None:
    assert execution_input.read(text) == text


def test_no_input_is_an_empty_object() -> None:
    assert execution_input.read(None) == "{}"


def test_an_input_has_at_most_256_kib() -> None:
    assert execution_input.read(f'"{"x" * 262_142}"')
    with pytest.raises(AwsError, match="less than or equal to 262144"):
        execution_input.read(f'"{"x" * 262_143}"')
