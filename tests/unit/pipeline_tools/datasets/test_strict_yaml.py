from __future__ import annotations

import re
from decimal import Decimal

import pytest

from pipeline_tools.datasets import strict_yaml
from pipeline_tools.datasets.strict_yaml import ProblemsError


def problems(text: str) -> list[tuple[int, tuple[str | int, ...], str]]:
    with pytest.raises(ProblemsError) as caught:
        strict_yaml.read(text)
    return [(problem.line, problem.place, problem.text) for problem in caught.value.problems]


def test_values_are_exact() -> None:
    text = (
        'a: [1, -3, 1.10, 0.30000000000000000004, 1.0e+5, 0x1F, true, False, "NO", text, 2024-01]\nb: null\nc:\nd: {}\n'
    )
    document = strict_yaml.read(text)
    assert document.value == {
        "a": [1, -3, Decimal("1.10"), Decimal("0.30000000000000000004"), Decimal("1.0e+5"), 31, True, False, "NO"]
        + ["text", "2024-01"],
        "b": None,
        "c": None,
        "d": {},
    }
    assert str(document.value["a"][2]) == "1.10"


def test_a_column_may_be_called_y() -> None:
    assert strict_yaml.read("{name: y, other: N}").value == {"name": "y", "other": "N"}


def test_an_element_has_its_line_or_that_of_the_one_around_it() -> None:
    document = strict_yaml.read("a:\n  - b: 1\n    c:\n      d\n")
    assert document.line(("a", 0, "c")) == 3
    assert document.line(("a", 0)) == 2
    assert document.line(("a", 0, "nowhere", 4)) == 2
    assert document.line(("x",)) == 1


@pytest.mark.parametrize(
    ("scalar", "told"),
    [
        ("NO", 'NO is read as false in YAML 1.1 and a text in YAML 1.2; quote it: "NO", or write false'),
        ("yes", 'yes is read as true in YAML 1.1 and a text in YAML 1.2; quote it: "yes", or write true'),
        ("On", "true in YAML 1.1"),
        ("off", "false in YAML 1.1"),
        ("012", "012 is read as the number 10 in YAML 1.1 and the number 12 in YAML 1.2"),
        ("09", "a text in YAML 1.1 and the number 9 in YAML 1.2"),
        ("1_000", "a number in YAML 1.1 and a text in YAML 1.2"),
        ("0b1", "a number in YAML 1.1 and a text in YAML 1.2"),
        ("0o7", "a text in YAML 1.1 and a number in YAML 1.2"),
        ("12:30", "a number in YAML 1.1 and a text in YAML 1.2"),
        ("1e5", "a text in YAML 1.1 and a number in YAML 1.2"),
        ("2024-01-31", "a date or time in YAML 1.1 and a text in YAML 1.2; quote it"),
        ("2024-01-31T10:00:00Z", "a date or time in YAML 1.1"),
        (".nan", ".nan is not a number"),
        ("-.inf", "-.inf is not a number"),
        ("=", "a default key in YAML 1.1"),
        ("!!str NO", "has the tag tag:yaml.org,2002:str"),
        ("!date '2024-01-31'", "has the tag !date"),
    ],
)
def test_a_scalar_that_readers_take_differently_is_refused(scalar: str, told: str) -> None:
    for text, place in ((f"a:\n- x\n- {scalar}\n", ("a", 1)), (f"a:\n\n  b: {scalar}\n", ("a", "b"))):
        ((line, where, message),) = problems(text)
        assert (line, where) == (3, place)
        assert told in message


@pytest.mark.parametrize("scalar", ["~", "null", "NULL", ""])
def test_null_in_a_list_is_refused(scalar: str) -> None:
    ((line, place, message),) = problems(f"a:\n- x\n- {scalar}\n")
    assert (line, place) == (3, ("a", 1))
    assert "is read as null; accepted in a list: values" in message


def test_null_in_a_list_is_read_where_the_caller_says_so() -> None:
    text = "a: [null, ~, x]\nb: [null]\n"
    assert strict_yaml.read("a: [null, ~, x]", lambda place: place[0] == "a").value == {"a": [None, None, "x"]}
    for wrong, line in ((text, 2), ("a:\n- x\n-\n", 3)):
        with pytest.raises(ProblemsError, match="is read as null; accepted in a list: values") as caught:
            strict_yaml.read(wrong, lambda place: place[0] == "a")
        assert [problem.line for problem in caught.value.problems] == [line]


@pytest.mark.parametrize(
    "number",
    ["1.0e+99999999999999999999", "1.0e-99999999999999999999", "1e400", "1.0e+309", "9" * 101, "-0." + "9" * 101]
    + ["0x" + "f" * 101, "9" * 5000],
)
def test_a_number_beyond_all_bounds_is_refused_by_line(number: str) -> None:
    ((line, place, message),) = problems(f"a:\n  b: {number}\n")
    assert (line, place) == (2, ("a", "b"))
    assert message.startswith(number[:30])
    accepted = "is beyond all numbers that are read; accepted: at most 100 digits, powers of ten of -400 to 308"
    assert message.endswith(accepted)


def test_the_largest_numbers_are_read() -> None:
    assert strict_yaml.read(f"[{'9' * 100}, 1.0e+308, 1.0e-400, 1{'0' * 99}]").value[1:3] == [
        Decimal("1e308"),
        Decimal("1e-400"),
    ]


@pytest.mark.parametrize(
    ("text", "line"), [('a: x\nb: "\\ud800"\n', 2), ('a:\n- "\\u0000"\n', 2), ('"\\udfff": 1\n', 1)]
)
def test_a_character_that_cannot_be_written_is_refused_by_line(text: str, line: int) -> None:
    ((found, _, message),) = problems(text)
    assert found == line
    assert re.match(r"has the character U\+(D800|0000|DFFF), which no text can hold; accepted: a text without", message)


def test_all_of_a_text_is_reported_at_once() -> None:
    assert [line for line, _, _ in problems("a: NO\nb: yes\nc: [ok, 012]\n")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (
            "{name: a, physicalType: DECIMAL(15,2), required: true}",
            'a comma ends the text DECIMAL(15 here; quote it: physicalType: "DECIMAL(15,2)"',
        ),
        ("{description: a, b, c, name: x}", 'quote it: description: "a, b, c"'),
        ("{name: x, description: a, b}", 'quote it: description: "a, b"'),
    ],
)
def test_a_text_that_a_comma_cuts_is_quoted_back(mapping: str, told: str) -> None:
    ((line, _, message),) = problems(f"a:\n- {mapping}\n")
    assert line == 2
    assert told in message


def test_an_element_without_a_value_in_braces_is_null() -> None:
    assert strict_yaml.read("{a: x, b: , c: null}").value == {"a": "x", "b": None, "c": None}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "occurs twice, first in line 1; accepted: once"),
        ("a: &x 1\nb: *x\n", 2, "is an alias"),
        ("a: &x [*x]\n", 1, "is an alias"),
        ("<<: {a: 1}\n", 1, "a merge key in YAML 1.1"),
        ("1: a\n", 1, "has the key 1; accepted: a text"),
        ("[a]: b\n", 1, "has the key [a]; accepted: a text"),
        ("no: b\n", 1, 'quote it: "no"'),
        ("a:\n\tb: 1\n", 2, "a line begins with a TAB; accepted: spaces"),
        ("a: {b: ^[A-Z]{3}$}\n", 1, "expected ',' or '}', but got '['; quote a text that has one of"),
        ("a: b: c\n", 1, "mapping values are not allowed here; quote a text"),
        ("a: [b\n", 2, "not YAML"),
        ("a: 1\n--- \nb: 1\n", 2, "expected a single document"),
        ("a: 1\nb: \x07\n", 2, "the character U+0007 is not accepted"),
        ("", 1, "is empty"),
        ("# nothing\n", 1, "is empty"),
        (f"a: {'[' * 60}{']' * 60}\n", 1, "is nested too deeply"),
        (f"a: {'[' * 600}{']' * 600}\n", 1, "is nested too deeply"),
    ],
)
def test_what_is_no_plain_document_is_refused_by_line(text: str, line: int, told: str) -> None:
    ((found, _, message),) = problems(text)
    assert found == line
    assert told in message
