"""The functions that Step Functions adds, with the answers measured on AWS, and which functions there are."""

from __future__ import annotations

import random
import re
import uuid
from typing import Any

import pytest

from aws_facts import jsonata as facts
from local_aws.jsonata import EvaluationError, evaluate, numbers
from local_aws.jsonata.functions import bindings


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([1,2,3], 2.9)", [[1, 2], [3]]),
        ("$partition([1,2])", [[1, 2]]),
        ("$range(0, 6, 2)", [0, 2, 4, 6]),
        ("$range(0, 5, 2)", [0, 2, 4]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$range(-1.7, 2, 1)", [-1, 0, 1, 2]),
        ("$range(1, 1, 1)", 1),
        ("$count($range(1, 2000, 1))", 2000),
        ("$hash('input', 'SHA-1')", "140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"),
        ("$hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"),
        ("$hash('abc', 'SHA-256')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("$random(42)", 0.7275636800328681),
        ("$random(42.9)", 0.7275636800328681),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('{\"a\":1}').a", 1),
        ("$exists($parse('null'))", True),
        ("$parse('1.0')", 1),
        ("$parse('9223372036854775807')", 9223372036854775807),
        ("$parse('9223372036854775808')", 9.223372036854776e18),
        ("$map(['1', '[2]'], $parse)", [1, [2]]),
    ],
)
def test_a_function_of_step_functions_gives(expression: str, expected: Any) -> None:
    assert evaluate(expression, {}) == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        *(
            (each, "returned nothing")
            for each in ("$partition([1], 0)", "$partition([], 1)", "$partition($missing, 1)")
        ),
        *((each, "returned nothing") for each in ("$range(0, 1, 0)", "$range(0, 1, -1)", "$range(0, 1)")),
        *((each, "returned nothing") for each in ("$hash('a')", "$parse($missing)")),
        ("$partition([1], -1)", ". D3137: Second argument must be zero or greater"),
        ("$partition(1, 1)", ". T0412: Argument 1 of function"),
        ("$partition([1], 'a')", '. T0410: Argument 2 of function "partition"'),
        ("$partition([1], 1, 1)", '. T0410: Argument 3 of function "partition"'),
        ("$range($missing, 1, 1)", '. T0410: Argument 1 of function "range"'),
        ("$range(1, null, 1)", '. T0410: Argument 2 of function "range"'),
        ("$hash(1, 'MD5')", '. T0410: Argument 1 of function "hash"'),
        ("$hash('a', 1)", '. T0410: Argument 2 of function "hash"'),
        ("$hash('a', 'md5')", ". D3137: Hash algorithm 'md5' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5"),
        ("$random('seed')", '. T0410: Argument 1 of function "random"'),
        ("$uuid(1)", '. T0410: Argument 1 of function "uuid"'),
        ("$parse(1)", '. T0410: Argument 1 of function "parse"'),
        *(
            (f"$parse('{document}')", ". D3137: Invalid JSON")
            for document in ("", "{", "1 2", '{"a":1,"a":2}', "NaN", "1e400", "[1,]")
        ),
    ],
)
def test_a_function_of_step_functions_fails(expression: str, problem: str) -> None:
    with pytest.raises(EvaluationError, match=re.escape(problem)):
        evaluate(expression, {})


def test_a_uuid_is_one_and_random_is_below_1() -> None:
    answer = evaluate("{'id': $uuid(), 'number': $random()}", {})
    assert uuid.UUID(answer["id"]).version == 4
    assert 0 <= answer["number"] < 1


def test_the_functions_are_those_of_the_facts() -> None:
    assert set(bindings()) == facts.FUNCTIONS


def test_a_number_reads_back_from_its_text() -> None:
    draw = random.Random(7)
    for _ in range(2000):
        digits = draw.randrange(10**15) * (-1) ** draw.randrange(2)
        value = numbers.plain(float(f"{digits}e{draw.randrange(-40, 40)}"))
        text = numbers.text(value)
        assert float(text) == pytest.approx(value, rel=1e-14)
        assert ("e" in text) == bool(value and not 1e-6 <= abs(value) < 1e21), text
