"""Lambda."""

from __future__ import annotations

from tests.conformance.conftest import Aws


def test_code(aws: Aws) -> None:
    """a function's code runs, with its event and its environment"""
    arn = aws.function("import os\ndef handler(e, c): return [e['x'] * 2, os.environ['KEY']]", KEY="value")
    assert aws.invoke(arn, {"x": 21}) == ([42, "value"], None)


def test_exception(aws: Aws) -> None:
    """an exception is an error, with its type and message"""
    arn = aws.function("class Refused(Exception): ...\ndef handler(e, c): raise Refused('field x')")
    answer, error = aws.invoke(arn, {})
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("Refused", "field x")
