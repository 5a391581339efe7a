from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from pipeline_tools.plan_review import markdown
from pipeline_tools.plan_review.differences import ABSENT
from pipeline_tools.plan_review.review import UNKNOWN, Sensitive

NASTY = [
    "plain",
    "a`b",
    "`",
    "``` fenced ```",
    "``a` ``",
    "<script>alert(1)</script>",
    "<!-- hidden -->",
    "a | b || c",
    "[link](https://example.com) @octocat #1",
    "trailing\\",
    "`|`\\",
    " ",
    "",
]


@pytest.mark.parametrize("text", NASTY)
def test_a_code_span_holds_any_text(text: str) -> None:
    (_, inline, _) = MarkdownIt().parse(f"before {markdown.code(text)} after")
    kinds = [child.type for child in inline.children or []]
    assert kinds == ["text", "code_inline", "text"]
    assert (inline.children or [])[1].content == (text or " ")


@pytest.mark.parametrize("text", NASTY)
def test_a_cell_stays_one_cell(text: str) -> None:
    rows = f"| a | b |\n|---|---|\n| {markdown.cell(text)} | after |\n"
    tokens = MarkdownIt().enable("table").parse(rows)
    cells = [tokens[i + 1] for i, token in enumerate(tokens) if token.type == "td_open"]
    assert [cell.content for cell in cells][1:] == ["after"]
    assert [child.type for child in cells[0].children or []] == ["code_inline"]


@pytest.mark.parametrize("text", ["a\nb", "a\r\n# heading", "a\x1b[31m", "a\u202eb", "a\u2028b", "a\x85b"])
def test_what_ends_a_line_or_turns_the_text_is_escaped(text: str) -> None:
    for shown in (markdown.code(text), markdown.value(text)):
        assert shown.isprintable()
        assert len(MarkdownIt().parse(shown)) == 3


def test_values_are_json_and_stand_ins_are_not() -> None:
    assert markdown.value("1") != markdown.value(1)
    assert [markdown.value(one) for one in (UNKNOWN, Sensitive("s3cret"), ABSENT)] == [
        "_(known after apply)_",
        "_(sensitive value)_",
        "_(none)_",
    ]
    assert (
        markdown.value({"a": [Sensitive("s3cret"), UNKNOWN]}) == '`{"a": ["(sensitive value)", "(known after apply)"]}`'
    )


def test_a_long_value_is_shortened_and_says_so() -> None:
    shown = markdown.value("x" * 500)
    assert len(shown) < 160
    assert "(502 characters)" in shown


def test_of_two_long_values_the_part_that_differs_is_shown() -> None:
    shown = markdown.values("a" * 300 + "$job.dataset" + "b" * 300, "a" * 300 + "$upper($job.dataset)" + "b" * 300)
    assert "$upper(" in shown
    assert len(shown) < 250


@pytest.mark.parametrize(
    ("steps", "text"),
    [(("a", "b", "--x"), "a.b.--x"), (("rule", 2, "id"), "rule[2].id"), (("A/B", "Next"), "A/B.Next")],
)
def test_a_path(steps: tuple[str | int, ...], text: str) -> None:
    assert markdown.path(steps) == text
