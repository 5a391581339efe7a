from __future__ import annotations

import random
import re
import string

import duckdb
import pytest

from dataset_contract import patterns
from tests.unit.dataset_contract.pattern_cases import PATTERNS, TEXTS

CONNECTION = duckdb.connect()


def in_duckdb(pattern: str, texts: list[str]) -> list[bool]:
    query = "SELECT regexp_matches(t, ?) FROM (SELECT unnest(?) AS t)"
    return [row[0] for row in CONNECTION.execute(query, [pattern, texts]).fetchall()]


def in_python(pattern: str, texts: list[str]) -> list[bool]:
    found = re.compile(patterns.python(pattern))
    return [found.search(text) is not None for text in texts]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_duckdb_and_python_read_a_pattern_alike(pattern: str) -> None:
    assert in_python(pattern, TEXTS) == in_duckdb(pattern, TEXTS)


def test_the_texts_tell_the_engines_apart() -> None:
    # Without rendering there is a difference, or the test above could not fail.
    different = [pattern for pattern in PATTERNS if _as_it_is(pattern) != in_duckdb(pattern, TEXTS)]
    assert {"a$", "^$", r"\d", r"\w", r"\s", r"\ba", r"[^\S]", r"\x{e9}"} <= set(different)


def _as_it_is(pattern: str) -> list[bool]:
    try:
        return [re.search(pattern, text) is not None for text in TEXTS]
    except (re.error, FutureWarning):  # Python warns of a syntax to come
        return []


def test_random_patterns_are_refused_or_read_alike() -> None:
    chance = random.Random(8)
    parts = [
        "a",
        "b",
        ".",
        "^",
        "$",
        "\\d",
        "\\w",
        "\\s",
        "\\S",
        "\\b",
        "[ab]",
        "[^a]",
        "[\\S]",
        "(",
        ")",
        "|",
        "*",
        "+",
        "?",
        "{2}",
    ]
    parts += ["(?:", "[", "]", "-", "\\", "é", "{", "}", "{1,2}", ","]
    read = 0
    for _ in range(400):
        pattern = "".join(chance.choices(parts, k=chance.randint(1, 7)))
        try:
            patterns.check(pattern)
        except ValueError:
            continue
        read += 1
        assert in_python(pattern, TEXTS) == in_duckdb(pattern, TEXTS), pattern
    assert read > 60


@pytest.mark.parametrize("sign", [sign for sign in string.printable if not sign.isalnum() and sign.isprintable()])
def test_each_sign_can_be_escaped_or_is_refused(sign: str) -> None:
    for pattern in ("\\" + sign, f"[\\{sign}]"):
        if sign == "_":
            with pytest.raises(ValueError, match="is not read alike"):
                patterns.check(pattern)
        else:
            assert in_python(pattern, list(string.printable)) == in_duckdb(pattern, list(string.printable))
            assert in_python(pattern, [sign]) == [True]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("", "it is empty"),
        ("(?=a)", "a look-ahead"),
        ("(?!a)", "a look-ahead"),
        ("(?<=a)b", "a look-behind"),
        ("(?<!a)b", "a look-behind"),
        ("(?>a)", "an atomic group"),
        ("(?P<n>a)", "a named group"),
        ("(?<n>a)", "a named group"),
        ("(?#a)", "a comment"),
        ("(?i)a", "a flag"),
        ("a++", "a possessive quantifier"),
        ("a{2}+", "a possessive quantifier"),
        ("a**", "repeats a repetition"),
        ("a{2}{3}", "repeats a repetition"),
        ("^*", "repeats an anchor"),
        (r"\b+", "repeats an anchor"),
        ("a^", "an anchor of the start has something before it"),
        ("(a|b)^c", "an anchor of the start has something before it"),
        ("a(b|^c)", "an anchor of the start has something before it"),
        (r"a\A", "an anchor of the start has something before it"),
        ("$a", "an anchor of the end has something behind it"),
        ("(a$|b)c", "an anchor of the end has something behind it"),
        (r"\za", "an anchor of the end has something behind it"),
        ("(^a)+", "repeats an anchor"),
        ("(a$)?", "an anchor of the end has something behind it"),
        (r"\B", "is not read alike"),
        ("*a", "has nothing to repeat"),
        ("(*a)", "has nothing to repeat"),
        ("{", "has nothing to repeat"),
        ("a{", "begins no {n}"),
        ("a{,2}", "begins no {n}"),
        ("a{1001}", "is out of order or above 1000"),
        ("a{2,1}", "is out of order"),
        ("(?:a{100}){100}", "it repeats more than 1000 times"),
        ("(a", r"\( has no \)"),
        ("a)", r"\) has no \("),
        ("[a", "it ends too early"),
        ("[]", "stands within a class"),
        ("[]a]", "stands within a class"),
        ("[[:alpha:]]", r"\[ stands within a class"),
        ("[a-z&&[^b]]", r"\[ stands within a class"),
        ("[z-a]", "ends before it begins"),
        (r"[a-\d]", "ends before it begins"),
        (r"[\d-a]", "stands for no range"),
        ("[a-c-e]", "stands for no range"),
        ("\\", "it ends too early"),
        (r"\1", "is a back-reference"),
        (r"\Z", r"write \$ or"),
        (r"\G", "is not read alike"),
        (r"\h", "is not read alike"),
        (r"\R", "is not read alike"),
        (r"\pL", "is not read alike"),
        (r"\Qa\E", "is not read alike"),
        (r"\u0061", "is not read alike"),
        (r"\0", "is not read alike"),
        (r"\x6", "has no two hexadecimal digits"),
        (r"\x{}", "has no two hexadecimal digits"),
        (r"\x{110000}", "is not a character"),
        ("a" * 1001, "it has 1001 characters"),
        ("(" * 51 + "a" + ")" * 51, "nested more than 50 deep"),
    ],
)
def test_a_pattern_is_refused(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        patterns.check(pattern)


@pytest.mark.parametrize(
    "pattern", [r"^[\w.-]{1000}$", ".{1000}", "(?:[^a]{30}){30}", "(?:a|b){1000}", "[😀-😂]{1000}"]
)
def test_duckdb_takes_the_largest_patterns(pattern: str) -> None:
    patterns.check(pattern)
    in_duckdb(pattern, ["a"])


# The rendered pattern for Java, signs of which differ from Python's.
@pytest.mark.parametrize(
    ("pattern", "java"),
    [
        ("a$", "a\\z"),
        ("^a", "\\Aa"),
        (".", "[^\\n]"),
        (r"\s", r"[\t\n\f\r ]"),
        (r"a\z", "a\\z"),
        (r"\v", r"\x0b"),
        ("(a)", "(?:a)"),
    ],
)
def test_a_pattern_for_java(pattern: str, java: str) -> None:
    assert patterns.java(pattern) == java
