"""The syntax that is refused, the bounds, and expressions that many threads evaluate."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_facts import jsonata as facts
from local_aws.jsonata import EvaluationError, ExpressionSyntaxError, evaluate
from local_aws.jsonata.program import compiled


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("$a ?? 1", 'The symbol "?" cannot be used as a unary operator'),
        ("$a ?: 1", 'The symbol ":" cannot be used as a unary operator'),
        ("$states.input.x??'none'", 'The symbol "?" cannot be used as a unary operator'),
        ("$f($a ?? 1)", 'The symbol "?" cannot be used as a unary operator'),
        ("{'a': $b ?: 2}", 'The symbol ":" cannot be used as a unary operator'),
        ("a[1,2)", 'Expected "]", got ","'),
        ('"unterminated', "String literal must be terminated by a matching quote"),
        ("1 +", "Unexpected end of expression"),
        ("", "Unexpected end of expression"),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ("$x :=", "Unexpected end of expression"),
        ('$match("a", /abc', "No terminating / in regular expression"),
        ("phone %.other", 'The symbol "." cannot be used as a unary operator'),
        ("[1!2]", 'Unknown operator: "!"'),
        ("1 /* open", "Comment has no closing tag"),
        ("'\\y'", 'Unsupported escape sequence: \\"y"'),
        ("/a++/", "Invalid regular expression: /a++/: nothing to repeat"),
        ("function($x)<n<n>> {$x}", "Type parameters can only be applied to functions and arrays"),
        ("5 := 1", "The left side of := must be a variable name (start with $)"),
    ],
)
def test_what_is_not_2_0_6_is_refused(expression: str, message: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as error:
        compiled(expression)
    assert error.value.message == message
    assert 0 <= error.value.position <= len(expression)
    with pytest.raises(EvaluationError):
        evaluate(expression, {})


@pytest.mark.parametrize(
    "expression",
    ["'a ?? b'", '"a ?: b"', "/* ?? ?: */ 1", "$contains('x', /a??b?:/)", "$exists($a) ? 1 : 2", "{'`a??`': 1}"],
)
def test_later_operators_in_texts_are_texts(expression: str) -> None:
    assert evaluate(expression, {}) is not None


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        ("+".join(["1"] * 100), "+".join(["1"] * 101)),
        *(
            tuple(before * depth + "true" + after * depth for depth in (99, 100))
            for before, after in (("(", ")"), ("[", "]"), ("$not(", ")"), ("{'a':", "}"))
        ),
        ("1" + " ~> $string()" * 99, "1" + " ~> $string()" * 100),
        *[
            tuple(f"($f := function($n) {{$n = 0 ? 1 : $n * $f($n - 1)}}; $f({n}))" for n in (31, 32)),
        ],
    ],
    ids=lambda expression: expression[:20],
)
def test_evaluation_is_at_most_100_levels_deep(accepted: str, refused: str) -> None:
    evaluate(accepted, {})
    with pytest.raises(EvaluationError) as error:
        evaluate(refused, {})
    assert error.value.problem == f"threw an error during evaluation: {facts.STACK_OVERFLOW}"


_DOUBLED = "($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p('x', %d)))"


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        ("[1..873782] ~> $count()", "[1..873783] ~> $count()"),
        ("$count($range(1, 360145, 1))", "$count($range(1, 360146, 1))"),
        (_DOUBLED % 22, _DOUBLED % 23),
        ("$length($pad('', 4194304))", "$length($pad('', 1000000000))"),
    ],
    ids=lambda expression: expression[:20],
)
def test_evaluation_holds_at_most_what_it_holds_on_aws(accepted: str, refused: str) -> None:
    evaluate(accepted, {})
    with pytest.raises(EvaluationError) as error:
        evaluate(refused, {})
    assert error.value.problem == f"threw an error during evaluation: {facts.MEMORY_EXCEEDED}"


def test_a_result_is_as_large_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_ELEMENTS", 1000)
    doubled = "($g := function($x, $n) {$n = 0 ? $x : $g({'a': $x, 'b': $x}, $n - 1)}; $g(1, %d))"
    evaluate(doubled % 8, {})
    with pytest.raises(EvaluationError, match="memory limit exceeded"):
        evaluate(doubled % 40, {})


def test_an_endless_evaluation_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "MOST_SECONDS", 0.01)
    with pytest.raises(EvaluationError) as error:
        evaluate("($f := function($x) {$f($x + 1)}; $f(1))", {})
    assert error.value.problem == f"threw an error during evaluation: {facts.TIME_EXCEEDED}"


def test_an_expression_is_compiled_once() -> None:
    assert compiled("1 + 1") is compiled("1 + 1")


def test_threads_share_a_compiled_expression() -> None:
    expression = (
        "($f := function($n, $sum) {$n = 0 ? $sum : $f($n - 1, $sum + $x)}; $part := $substring(?, 0, ?);"
        "{'sum': $f(40, 0), 'part': $part($text, 3), 'kept': $list[$ > $x], 'same': $now() = $now()})"
    )
    together = threading.Barrier(8)

    def run(number: int) -> None:
        together.wait()
        for turn in range(20):
            x = number * 100 + turn
            given = {"x": x, "text": f"{x:08d}", "list": [x - 1, x, x + 1]}
            expected = {"sum": 40 * x, "part": f"{x:08d}"[:3], "kept": x + 1, "same": True}
            assert evaluate(expression, given) == expected

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
