from __future__ import annotations

import json

import pytest

from lambda_generate_param import failures

RUN = {"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "error: the file is not there"}
LAMBDA = {"errorType": "InvalidInputError", "errorMessage": "dataset 'x' is unknown", "stackTrace": []}
NESTED = {"Status": "FAILED", "Error": "SqlFailed", "Cause": "statement 1 ended as FAILED: ERROR: no such table"}


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (json.dumps(RUN), "error: the file is not there"),
        (json.dumps(LAMBDA), "dataset 'x' is unknown"),
        (json.dumps(NESTED), "SqlFailed: statement 1 ended as FAILED: ERROR: no such table"),
        (json.dumps({"Cause": json.dumps(RUN)}), "error: the file is not there"),
        ("plain text", "plain text"),
        ('{"a": 1}', '{"a": 1}'),
        ("[1]", "[1]"),
    ],
)
def test_a_cause_is_made_readable(cause: str, expected: str) -> None:
    assert failures.readable(cause) == expected


def test_long_texts_are_cut_to_what_the_table_takes() -> None:
    detail = {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:pipeline:run-1",
        "status": "FAILED",
        "startDate": 0,
        "stopDate": 1,
        "error": "E" * 1000,
        "cause": "ü" * 40_000,
    }
    failure = failures.read(detail, failed_state="S" * 200)
    assert (len(failure.error), len(failure.failed_state)) == (256, 80)
    assert len(failure.cause.encode()) < 65_535
    assert failure.cause.endswith("…")
