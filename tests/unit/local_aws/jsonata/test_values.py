"""What expressions give, by kind of value and operator, as JSONata 2.0.6 on AWS has it."""

from __future__ import annotations

from typing import Any

import pytest

from local_aws.jsonata import EvaluationError, evaluate, variables_in

VARIABLES: dict[str, Any] = {
    "name": 'a "quoted"\nname',
    "umlaut": "Zürich 😀",
    "nothing": None,
    "list": [{"a": 1, "b": None}, {"a": 2}],
    "numbers": [1, 2, 3],
    "empty": [],
    "big": 5890840712243077,
    "long": 2**63 - 1,
    "beyond": 2**63,
    "whole": 2.0,
}
UNDEFINED = object()

VALUES: dict[str, list[tuple[str, Any]]] = {
    "texts": [
        ("$name & '!'", 'a "quoted"\nname!'),
        ('"a\\nb"', "a\nb"),
        ("$length('a\\nb')", 3),
        ('"\\u00e9"', "é"),
        ('$length("\\uD834\\uDD1E")', 1),
        ("$length($umlaut)", 8),
        ("$name & $nothing & true & 1.5", 'a "quoted"\nnamenulltrue1.5'),
        ("$missing & 'x'", "x"),
        ("$umlaut & $numbers", "Zürich 😀[1,2,3]"),
        ("'😀' < '\uffff'", True),
    ],
    "null is a value, undefined is none": [
        ("$exists($nothing)", True),
        ("$nothing", None),
        ("$list[0].b", None),
        ("{'x': $nothing, 'y': $missing}", {"x": None}),
        ("[$nothing, $missing]", [None]),
        ("$nothing = null", True),
        ("$missing = $missing", False),
        ("$exists($nothing.a)", False),
    ],
    "sequences and arrays": [
        ("$list.a", [1, 2]),
        ("$list[a = 2].a", 2),
        ("[$list[0].a]", [1]),
        ("$list.a[0]", [1, 2]),
        ("($list.a)[0]", 1),
        ("$list[-1].a", 2),
        ("$numbers[[0, 2]]", [1, 3]),
        ("$numbers[-0.5]", 3),
        ("[[1, 2], [3]][0]", [1, 2]),
        ("$exists([0][0].b)", False),
        ("[[1]].a ? 1 : 2", 2),
        ("$list.x[true]", [None, None]),
        ("[1..3, 7]", [1, 2, 3, 7]),
        ("$list[a = 1][].a", [1]),
        ("$empty", []),
        ("[[]]", [[]]),
    ],
    "numbers": [
        ("10 / 2", 5),
        ("7 / 2", 3.5),
        ("5.5 % 2", 1.5),
        ("-5 % 3", -2),
        ("0.1 + 0.2", 0.30000000000000004),
        ("1.5e3", 1500),
        ("$whole", 2),
        ("$big", 5890840712243077),
        ("$long", 2**63 - 1),
        ("-$whole", -2),
        ("2 = 2.0", True),
        ("1 = true", False),
        ("$round(2.5)", 2),
        ("$round(-1.5)", -2),
        ("$round(123.456, 2)", 123.46),
    ],
    "what is not finite": [
        ("1 / 0", "Infinity"),
        ("-1 / 0", "-Infinity"),
        ("0 / 0", "NaN"),
        ("5 % 0", "NaN"),
        ("[1 / 0]", ["Infinity"]),
        ("{'k': 1 / 0}", {"k": "Infinity"}),
        ("1e308 * 10", "Infinity"),
        ("1 / 0 > 5", True),
        ("$parseInteger('abc', '0')", "NaN"),
    ],
    "numbers as text": [
        ("$string(10 / 4)", "2.5"),
        ("$string(1e20)", "100000000000000000000"),
        ("$string(-1e20)", "-100000000000000000000"),
        ("$string(1e21)", "1e+21"),
        ("$string(999999999999999868928)", "999999999999999900000"),
        ("$string($beyond)", "9223372036854776000"),
        ("$string($big)", "5890840712243077"),
        ("$string(1e-7)", "1e-7"),
        ("$string(0.000001)", "0.000001"),
        ("$string(1 / 3)", "0.333333333333333"),
        ("$string(0.1 + 0.2)", "0.3"),
        ("$string(100000000000000.5)", "100000000000001"),
        ("$string([1e20, 0.5])", "[100000000000000000000,0.5]"),
    ],
    "values as text": [
        ("$string($list)", '[{"a":1,"b":null},{"a":2}]'),
        ("$string({'ü': 'é\\n'})", '{"ü":"é\\n"}'),
        ("$string({'a': [1], 'b': {}}, true)", '{\n  "a": [\n    1\n  ],\n  "b": {}\n}'),
        ("$string(function($x) {$x})", ""),
        ("$string([$sum])", '[""]'),
    ],
    "membership": [
        ("1 in [1, 2]", True),
        ("true in [1]", False),
        ("1 in [true]", False),
        ("{'a': 1} in [{'a': 1}]", False),
        ("null in [null]", True),
        ("$missing in [1]", False),
    ],
    "conditions": [
        ("[0, 0] ? 1 : 2", 2),
        ("[0, 1] ? 1 : 2", 1),
        ("{} ? 1 : 2", 2),
        ("'' ? 1 : 2", 2),
        ("null ? 1 : 2", 2),
        ("$missing ? 1 : 2", 2),
        ("$boolean($sum)", False),
    ],
    "order": [
        ("$list^(>a).a", [2, 1]),
        ("$sort([{'k': 2, 'v': 1}, {'k': 1, 'v': 2}, {'k': 2, 'v': 3}], function($a, $b) {$a.k > $b.k}).v", [2, 1, 3]),
        ("$sort(['b', 'a', 'C'])", ["C", "a", "b"]),
        ("$distinct([1, true, '1', 1.0])", [1, True, "1"]),
        ("$distinct([1, 1])", [1]),
    ],
    "objects": [
        ("$merge($map($list, function($row) {{$string($row.a): $row.a}}))", {"1": 1, "2": 2}),
        ("$list{$string(a): a}", {"1": 1, "2": 2}),
        ("$list[0] ~> |$|{'a': 5}, 'b'|", {"a": 5}),
        ("$list[0] ~> |$|{'c': 1}|", {"a": 1, "b": None, "c": 1}),
        ("$lookup($list, 'a')", [1, 2]),
        ("$keys($list)", ["a", "b"]),
    ],
    "regular expressions are JavaScript's": [
        ("$contains('recorded', /^rec/)", True),
        ("$contains('A', /a/i)", True),
        ("$contains('1\u0663', /^\\d\\d$/)", False),
        ("$contains('é', /\\w/)", False),
        ("$contains('a\\n', /a$/)", False),
        ("$match('ab', /(?<first>a)(x)?/)", {"match": "a", "index": 0, "groups": ["a", None]}),
        ("$match('😀a', /a/).index", 2),
        ("$replace('john smith', /(\\w+)\\s(\\w+)/, '$2, $1')", "smith, john"),
        ("$replace('abc', /b/, function($m) {$uppercase($m.match)})", "aBc"),
        ("$split('a1b22c', /\\d+/)", ["a", "b", "c"]),
    ],
    "functions of the language": [
        ("$lowercase('SSß')", "ssß"),
        ("$substring('hello', -3, 2)", "ll"),
        ("$number('0x1F')", 31),
        ("$formatNumber(1234.5, '#,##0.00')", "1,234.50"),
        ("$formatNumber(-1234.5, '#,##0.00;(#,##0.00)')", "(1,234.50)"),
        ("$formatNumber(0.123, '#.e9')", "0.1e0"),
        ("$decodeUrl('a%20b%2F%41')", "a b%2FA"),
        ("$toMillis('2018-03-27T15:34:12.123456-0130')", 1522170252123),
        ("$toMillis('2018-03')", 1519862400000),
        ("$fromMillis(1510067557121, '[Y]-[M01]-[D01]')", "2017-11-07"),
        ("$count($nothing)", 1),
        ("$sum([0.1, 0.2, 0.3])", 0.6000000000000001),
    ],
}


@pytest.mark.parametrize(
    ("expression", "expected"), [each for cases in VALUES.values() for each in cases], ids=lambda value: str(value)[:60]
)
def test_an_expression_gives(expression: str, expected: Any) -> None:
    result = evaluate(expression, VARIABLES)
    assert (result, type(result)) == (expected, type(expected))


FAILURES = [
    ("$error('stop')", ". D3137: stop"),
    ("$eval('1+1')", ". T1006: Attempted to invoke a non-function"),
    ("$unknown()", ". T1006: Attempted to invoke a non-function"),
    ("sum([1])", ". T1005: Attempted to invoke a non-function. Did you mean $sum?"),
    ("$missing[$error('asked')]", ". D3137: asked"),
    ("$sum(['a'])", '. T0412: Argument 1 of function "sum" must be an array of "numbers"'),
    ("$abs('x')", '. T0410: Argument 1 of function "abs" does not match function signature'),
    ("$error(null)", '. T0410: Argument 1 of function "error" does not match function signature'),
    ("function($x)<s:s> {$x}(null)", '. T0410: Argument 1 of function "lambda" does not match function signature'),
    ("1 + '1'", '. T2002: The right side of the "+" operator must evaluate to a number'),
    ("1 > '1'", '. T2009: The values 1 and "1" either side of operator ">" must be of the same data type'),
    ("null > 1", '. T2010: The expressions either side of operator ">" must evaluate to numeric or string values'),
    ("1 / 0 + 1", ". D1001: Number out of range: Infinity"),
    ("$string(1 / 0)", ". D3001: Attempting to invoke string function on Infinity or NaN"),
    ("$number('1/2')", '. D3030: Unable to cast value to a number: "1/2"'),
    ("$sqrt(-1)", ". D3060: The sqrt function cannot be applied to a negative number: -1"),
    (
        "$power(-8, 1/3)",
        ". D3061: The power function has resulted in a value that cannot be represented as a JSON number: "
        "base=-8, exponent=0.3333333333333333",
    ),
    (
        "$formatNumber(1, 'x')",
        ". D3086: The sub-picture must not contain a passive character that is preceded by an active character and "
        "that is followed by another active character",
    ),
    ("$match('abc', /b*/)", ". D1004: Regular expression matches zero length string"),
    ("$toMillis('01-02-2018')", None),
    ("$decodeUrl('%zz')", '. D3140: Malformed URL passed to $decodeUrl(): "%zz"'),
]


@pytest.mark.parametrize(("expression", "tail"), FAILURES, ids=lambda value: str(value)[:60])
def test_a_failure_is_worded_as_aws_words_it(expression: str, tail: str | None) -> None:
    with pytest.raises(EvaluationError) as error:
        evaluate(f" {expression} ", VARIABLES)
    problem = error.value.problem
    assert problem.startswith("threw an error during evaluation. ")
    if tail is not None:
        assert problem == f"threw an error during evaluation{tail}"
    assert str(error.value) == f"The JSONata expression '{expression}' {problem}"
    assert error.value.cause("Output/x") == (
        f"The JSONata expression '{expression}' specified for the field 'Output/x' {problem}"
    )


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("$states.missing", "returned nothing (undefined)."),
        ("$list[9]", "returned nothing (undefined)."),
        ("[3..1][0]", "returned nothing (undefined)."),
        ("function($x) {$x}", "returned an unsupported result type."),
        ("[$sum]", "returned an unsupported result type."),
        ("/a/", "returned an unsupported result type."),
    ],
)
def test_a_result_that_is_no_json_fails(expression: str, problem: str) -> None:
    with pytest.raises(EvaluationError) as error:
        evaluate(expression, {**VARIABLES, "states": {}})
    assert error.value.problem == problem


def test_an_evaluation_does_not_change_its_variables() -> None:
    variables = {"items": [], "object": {"a": 1}}
    evaluate("($items{'a': 1}; $object ~> |$|{'b': 2}|)", variables)
    assert variables == {"items": [], "object": {"a": 1}}


def test_the_variables_of_an_expression_are_those_that_it_names() -> None:
    names = variables_in("$states.input.x & $a[$b1 = 'costs $5'] & $f(function($x) {$x.y}) /* $comment */")
    assert names == {"states", "a", "b1", "f", "x"}
