from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_generate_param import failures
from lambda_generate_param.audit import AuditColumns
from tests.unit.lambda_generate_param.conftest import ARN, JOB

RUN = {"Id": "jr_1", "JobRunState": "FAILED", "ErrorMessage": "error: the file is not there"}
LAMBDA = {"errorType": "InvalidInputError", "errorMessage": "dataset 'x' is unknown", "stackTrace": []}
NESTED = {"Status": "FAILED", "Error": "SqlFailed", "Cause": "statement 1 ended as FAILED: ERROR: no such table"}
DETAIL = {"executionArn": ARN, "status": "FAILED", "startDate": 0, "stopDate": 1}


def read(columns: AuditColumns, said: str = "", failed_state: str = "-", **detail: Any) -> failures.Failure:
    return failures.read({**DETAIL, **detail}, failed_state=failed_state, said=said, columns=columns)


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (json.dumps(RUN), "error: the file is not there"),
        (
            json.dumps({**RUN, "LogGroupName": "/aws-glue/python-jobs"}),
            "error: the file is not there (log: /aws-glue/python-jobs/error, job run jr_1)",
        ),
        (json.dumps(LAMBDA), "dataset 'x' is unknown"),
        (json.dumps(NESTED), "SqlFailed: statement 1 ended as FAILED: ERROR: no such table"),
        (json.dumps({"Cause": json.dumps(RUN)}), "error: the file is not there"),
        (json.dumps({**RUN, "ErrorMessage": "", "LogGroupName": "/g"}), None),
        (json.dumps({"ErrorMessage": "no run", "LogGroupName": "/g"}), "no run"),
        (json.dumps({"ErrorMessage": "", "errorMessage": "said here"}), "said here"),
        (json.dumps({"ErrorMessage": 5}), None),
        ('{"Cause": ""}', None),
        ('{"Cause": {}}', None),
        ("[" * 60_000, None),
        ("plain text", "plain text"),
        ('{"a": 1}', None),
        ("[1]", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_cause_is_made_readable_or_stays(cause: str, expected: str | None) -> None:
    assert failures.readable(cause) == (cause if expected is None else expected)


@pytest.mark.parametrize("character", ["x", "ü", "€", "😀"])
def test_texts_of_any_length_fit_into_their_columns(columns: AuditColumns, character: str) -> None:
    long = character * 40_000
    failure = read(
        columns,
        failed_state=long,
        error=long,
        cause=long,
        input=json.dumps({"dataset": character * 130, "source_uri": character * 1_200}),
        executionArn=ARN.rpartition(":")[0] + ":" + character * 80,
    )
    for column in ("execution_arn", "dataset", "source_uri", "failed_state", "error", "cause"):
        value = getattr(failure, column)
        assert len(value.encode()) <= columns.sizes["job_run"][column]
        assert value.endswith("…" if column != "execution_arn" else character * 80)


@pytest.mark.parametrize(
    ("glue", "said", "expected"),
    [
        ("Command failed with exit code 1", "error: row 5", "error: row 5"),
        ("Command failed with exit code 1", "", "Command failed with exit code 1"),
        ("error: row 5 (exit code 1)", "error: row 5", "error: row 5 (exit code 1)"),
        ("", "error: row 5", "error: row 5"),
    ],
)
def test_the_words_of_the_stage_are_the_cause_where_glue_says_less(
    columns: AuditColumns, glue: str, said: str, expected: str
) -> None:
    assert read(columns, said, cause=json.dumps({"ErrorMessage": glue}) if glue else None).cause == expected


def test_a_stop_keeps_its_own_cause(columns: AuditColumns) -> None:
    assert read(columns, "error: row 5", status="ABORTED", cause="nobody needs it").cause == "nobody needs it"


def test_what_is_not_there_is_bound_all_the_same(columns: AuditColumns) -> None:
    failure = read(columns, input="[]", cause=None, error=None)
    assert (failure.dataset, failure.source_uri, failure.failed_state) == ("-", "-", "-")
    assert (failure.error, failure.cause) == ("FAILED", "the execution ended as FAILED")


@pytest.mark.parametrize("text", ["\0", " \0\0\n", ""])
def test_a_text_of_nothing_is_bound_as_what_is_not_known(columns: AuditColumns, text: str) -> None:
    failure = read(columns, error=text or None, cause=text, input=json.dumps({"dataset": text, "source_uri": text}))
    assert (failure.dataset, failure.source_uri) == ("-", "-")
    assert failure.error in ("-", "FAILED")
    assert failure.cause.strip()


@pytest.mark.parametrize(
    ("given", "parameters", "repeat", "replays"),
    [
        ({"dataset": "orders"}, "{}", False, "-"),
        ({"dataset": "orders", "parameters": {"b": 1, "a": "é"}, "repeat": True}, '{"a": "é", "b": 1}', True, "-"),
        ({"dataset": "orders", "parameters": [], "repeat": "true"}, "-", False, "-"),
        ({"dataset": "orders", "parameters": {"a": "x" * 70_000}, "repeat": 1}, "-", False, "-"),
        ({"parameters": {"a": 1}}, "-", False, "-"),
        ({"replays": JOB}, "-", False, JOB),
        ({"replays": "last"}, "-", False, "-"),
        ({"replays": [JOB]}, "-", False, "-"),
    ],
)
def test_what_another_execution_would_continue_with_is_known_whole_or_not_at_all(
    columns: AuditColumns, given: dict[str, Any], parameters: str, repeat: bool, replays: str
) -> None:
    failure = read(columns, input=json.dumps(given))
    assert (failure.parameters, failure.repeat, failure.replays) == (parameters, repeat, replays)
