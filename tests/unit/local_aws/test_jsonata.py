"""JSONata as Step Functions evaluates it.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local_aws.jsonata import QueryError, evaluate, variables_in


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$name & '!'", 'a "quoted"\nname!'),
        ("$exists($nothing)", True),
        ("$nothing", None),
        ("$list[0].b", None),
        ("$list.a", [1, 2]),
        ("[$list[0].a]", [1]),
        ("$list[a = 2].a", 2),
        ("{'x': $nothing}", {"x": None}),
        ("10 / 2", 5),
        ("$string(10 / 4)", "2.5"),
        ("1.5e3", 1500),
        ("$merge($map($list, function($row) {{$string($row.a): $row.a}}))", {"1": 1, "2": 2}),
        ("$string($list)", '[{"a":1,"b":null},{"a":2}]'),
        ("$contains('recorded', /^rec/)", True),
    ],
)
def test_an_expression_gives(expression: str, expected: Any) -> None:
    variables = {"name": 'a "quoted"\nname', "nothing": None, "list": [{"a": 1, "b": None}, {"a": 2}]}
    assert evaluate(expression, variables) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$hash('abc', 'SHA-256')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("$hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$random(7) = $random(7)", True),
    ],
)
def test_a_function_of_step_functions_gives(expression: str, expected: Any) -> None:
    assert evaluate(expression, {}) == expected


def test_a_uuid_is_one_and_random_is_below_1() -> None:
    answer = evaluate("{'id': $uuid(), 'number': $random()}", {})
    assert uuid.UUID(answer["id"]).version == 4
    assert 0 <= answer["number"] < 1


@pytest.mark.parametrize(
    "expression",
    [
        "$states.missing",
        "function($x) {$x}",
        "1 +",
        "$error('stop')",
        "1 / 0",
        "$unknown()",
        "$eval('1')",
        "$partition([1], 0)",
        "$range(0, 1, 0)",
        "$range(1, 2000, 1)",
        "$hash('abc', 'CRC32')",
        "$hash(1, 'MD5')",
        "$parse('{')",
        "$parse(1)",
        "$random('seed')",
    ],
)
def test_an_expression_fails_with_its_text_in_the_message(expression: str) -> None:
    with pytest.raises(QueryError) as error:
        evaluate(expression, {"states": {}})
    assert expression in str(error.value)


def test_the_variables_of_an_expression_are_found() -> None:
    assert variables_in("$states.input.x & $a[$b1 = 'x']") == {"states", "a", "b1"}
