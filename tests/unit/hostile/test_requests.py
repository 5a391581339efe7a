"""Hostile execution inputs: each is taken whole or refused by field, value and what is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from lambda_generate_param import handler
from lambda_generate_param.audit import AuditColumns
from lambda_generate_param.handler import Settings
from lambda_generate_param.request import InvalidInputError
from tests.unit.hostile.conftest import FRAGMENTS, examples
from tests.unit.lambda_generate_param.conftest import ARN, JOB, START, settings, sql

__all__ = ["settings", "sql"]  # fixtures

RAW = "the-raw-bucket"
TEXTS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(FRAGMENTS), max_size=4).map("".join))
NAMES = st.one_of(
    st.sampled_from(["dataset", "source_uri", "parameters", "repeat", "job_id", "late_minutes", "note", "replays"]),
    TEXTS,
)
URIS = st.one_of(TEXTS, TEXTS.map(f"s3://{RAW}/{{}}".format), st.just(f"s3://{RAW}/flights/"))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
PARAMETERS = st.one_of(
    st.fixed_dictionaries({"note": st.one_of(TEXTS, ANYTHING)}),
    st.fixed_dictionaries({"late_minutes": ANYTHING}),
    st.dictionaries(NAMES, ANYTHING, max_size=3),
)
INPUTS = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {
            "dataset": st.one_of(st.sampled_from(["flights", "orders"]), ANYTHING),
            "source_uri": st.one_of(URIS, ANYTHING),
        },
        optional={"parameters": PARAMETERS, "repeat": ANYTHING, "job_id": ANYTHING},
    ),
    st.fixed_dictionaries({"dataset": st.just("orders"), "source_uri": URIS, "parameters": PARAMETERS}),
)
GOOD = {"dataset": "orders", "source_uri": f"s3://{RAW}/a", "parameters": {"note": "a"}}
# An error's message goes into the cause of a failure and into people's mail.
LONGEST_MESSAGE = 2_000


def nested(depth: int) -> Any:
    """A list in a list, and so on."""
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


def start(given: Any, settings: Settings, sql: Path) -> dict[str, Any] | str:
    """What GenerateJobId answers, or the message of its refusal."""
    event = {"action": "start", "execution_arn": ARN, "start_time": START, "input": given, "earlier": []}
    try:
        return handler.answer(event, settings=settings, sql=sql)
    except InvalidInputError as error:
        return str(error)


@examples(300)
@given(given=INPUTS)
@example(given={"dataset": "orders", "source_uri": f"s3://{RAW}/a", "parameters": {"note": "\x00"}})
@example(given={"dataset": "orders", "source_uri": f"s3://{RAW}/a", "parameters": {"note": "\ud800"}})
def test_an_input_is_taken_whole_or_refused_by_its_field(settings: Settings, sql: Path, given: Any) -> None:
    answer = start(given, settings, sql)
    event("refused" if isinstance(answer, str) else "taken")
    if isinstance(answer, str):
        assert "accepted: " in answer or "known: " in answer
        assert len(answer) < LONGEST_MESSAGE
        assert not set(answer) & set("\x00\r\n")
        return
    json.dumps(answer, ensure_ascii=False).encode("utf-8")
    assert answer["source_uri"] == given["source_uri"]
    bound = {each["Name"]: each["Value"] for each in answer["sql"]["register"]["parameters"]}
    kept = json.loads(bound["parameters"])
    asked = given.get("parameters", {})
    assert kept == answer["parameters"] | asked
    assert (bound["dataset"], bound["source_uri"]) == (given["dataset"], given["source_uri"])
    # Nothing of the input is in the text of a statement.
    good = start(GOOD, settings, sql)
    assert isinstance(good, dict)
    assert answer["sql"]["register"]["statements"] == good["sql"]["register"]["statements"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (nested(5_000), "the execution input is [[[[[[[[[[[[[[[[[[[[…]]]]]]]]]]]]]]]]]]]]; accepted: an object with"),
        (
            {"dataset": nested(5_000)},
            "dataset is [[[[[[[[[[[[[[[[[[[[…]]]]]]]]]]]]]]]]]]]]; accepted: a non-empty text",
        ),
        ({"x" * 200_000: 1}, f'"{"x" * 199} … is an unknown field; accepted: dataset, source_uri, parameters, repeat'),
        ({"job_id": "a", "a\nb": 1}, '"a\\nb" is given beside job_id'),
        ({**GOOD, "parameters": {"y;" * 9_000: 1}}, f'parameters."{"y;" * 99}y … is unknown for dataset'),
        ({**GOOD, "parameters": {"note": nested(5_000)}}, "parameters.note is [[[[[[[[[[[[[[[[[[[[…"),
        (
            {**GOOD, "parameters": {"note": 10**5_000}},
            "parameters.note is a number of some 4983 digits; accepted: a text",
        ),
        ({**GOOD, "parameters": {"note": [1] * 50_000}}, "parameters.note is [1, 1, 1"),
    ],
)
def test_a_refusal_is_short_whatever_it_refuses(settings: Settings, sql: Path, given: Any, message: str) -> None:
    answer = start(given, settings, sql)
    assert isinstance(answer, str)
    assert answer.startswith(message)
    assert len(answer) < LONGEST_MESSAGE


JOB_IDS = st.one_of(
    st.sampled_from(
        ["20261301T000000000Z", "00000101T000000000Z", "99999999T999999999Z", "20260131T123456٣٤٥Z", JOB[:19]]
    ),
    st.text("0123456789٣", min_size=17, max_size=17).map(lambda text: f"{text[:8]}T{text[8:]}Z"),
).map(lambda moment: moment + JOB[19:])


@examples(150)
@given(
    given=st.one_of(
        INPUTS, JOB_IDS.map(lambda job: {"job_id": job}), JOB_IDS.map(lambda job: {**GOOD, "replays": job})
    ),
    said=st.fixed_dictionaries({}, optional={"error": TEXTS, "cause": st.one_of(TEXTS, ANYTHING.map(json.dumps))}),
    text=TEXTS,
)
def test_every_failure_is_recorded(sql: Path, given: Any, said: dict[str, str], text: str) -> None:
    detail = {"executionArn": ARN, "status": "FAILED", "startDate": 1769862896789, "stopDate": 1769862899000, **said}
    for told in (json.dumps(given), text):
        recorded = {**detail, "input": told}
        event = {"action": "failure", "detail": recorded, "failed_state": text, "documents": [text, told, given]}
        answer = handler.answer(event, sql=sql)
        assert handler.answer({"action": "evidence", "detail": recorded}, sql=sql)["job_id"] == answer["job_id"]
        sizes = AuditColumns.read(sql).sizes["job_run"]
        bound = {each["Name"]: each["Value"] for each in answer["sql"]["parameters"]}
        for column in bound.keys() & sizes.keys():
            assert 0 < len(bound[column].encode("utf-8")) <= sizes[column]
            assert "\0" not in bound[column]
