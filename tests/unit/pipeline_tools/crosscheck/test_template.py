"""Templates: what Terraform renders, and the lines of what is read."""

from __future__ import annotations

import pytest

from pipeline_tools.crosscheck import template
from pipeline_tools.crosscheck.template import TemplateError


def test_the_variables_of_a_template_are_found_in_comments_too() -> None:
    text = '# ${a}\nb: ${upper(b)} $${no}\n%{ if c == "d" ~}\ne: ${f.g}\n%{ endif ~}\n'
    assert list(template.references(text)) == [("a", 1), ("b", 2), ("c", 3), ("f", 4)]


def test_both_sides_of_a_condition_are_rendered_without_moving_a_line() -> None:
    text = "a: ${a}\n%{ if b }\nc: 1\n%{ else }\nd: $${x}\n%{ endif }\ne: 2\n"
    one, other = template.renderings(text, {"a": "A"})
    assert one.split() == ["a:", "A", "c:", "1", "e:", "2"]
    assert other.split() == ["a:", "A", "d:", "${x}", "e:", "2"]
    assert one.count("\n") == other.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["%{ if a }\nb: 1\n", "b: 1\n%{ endif }\n"])
def test_a_directive_without_its_other_end_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match=r"%\{"):
        template.renderings(text, {})


@pytest.mark.parametrize(
    ("text", "word", "line"),
    [
        ("a: one two", "two", 1),
        ('a: "one\n  two\n  three"', "three", 3),
        ("a: >-\n  one\n  two\n\n  three", "three", 5),
        ("b: 1\na: |\n  one\n\n    two\n", "two", 5),
        ("a:\n  one\n  two", "two", 3),
        ('a: "o\\u006ee two"', "two", 1),
    ],
)
def test_a_word_of_a_folded_text_has_its_line(text: str, word: str, line: int) -> None:
    node = template.read(text)[0].get("a")
    assert node is not None
    assert node.line_at(node.value.index(word)) == line
