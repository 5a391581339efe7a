"""What is code and what is text in SQL; where parameters are."""

from __future__ import annotations

import pytest

from local_aws.services.redshift.lexer import code, join, parameter_names, statements, string_value, tokenize
from local_aws.services.redshift.sqlerror import SqlError


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("select :a, :b_1", {"a", "b_1"}),
        ("select x::date, y :: int", set()),
        ("select ':a', \"q:a\", E':a', 'it''s :a', 'it\\'s :a'", set()),
        ("select 1 -- :a\n, :b /* :c /* :d */ :e */", {"b"}),
        ("do $$ begin :a end $$, $x$ :b $x$, :c", {"c"}),
        ("select a := 1, '10:30'::time, :t::time", {"t"}),
    ],
)
def test_parameters_are_found_in_code_only(sql: str, names: set[str]) -> None:
    assert parameter_names(tokenize(sql)) == names


@pytest.mark.parametrize("sql", ["select 'a\\'b' from t", 'a."B" $1 1.5e3 .5 x<>y', "/* a */ -- b\n", ""])
def test_tokens_joined_are_the_text(sql: str) -> None:
    assert join(tokenize(sql)) == sql


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 'abc", "unterminated quoted string"),
        ('select "abc', "unterminated quoted identifier"),
        ("select /* abc", "unterminated /* comment"),
        ("do $$ abc", "unterminated dollar-quoted string"),
    ],
)
def test_text_without_its_end_is_an_error(sql: str, message: str) -> None:
    with pytest.raises(SqlError, match=message.replace("*", r"\*")):
        tokenize(sql)


def test_statements_end_at_semicolons_in_code() -> None:
    found = statements(tokenize("select ';'; -- nothing;\n ; create procedure p() as $$ a; b; $$"))
    assert [code(statement)[0].text for statement in found] == ["select", "create"]


@pytest.mark.parametrize(
    ("literal", "value"), [("'it''s'", "it's"), ("'a\\'b'", "a'b"), ("'\\\\d\\n'", "\\d\n"), ("E'\\t'", "\t")]
)
def test_backslashes_escape_in_plain_literals(literal: str, value: str) -> None:
    assert string_value(tokenize(literal)[0]) == value
