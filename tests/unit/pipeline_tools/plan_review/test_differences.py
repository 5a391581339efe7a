from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline_tools.plan_review.differences import ABSENT, Difference, at, differences, following


def found(before: Any, after: Any) -> list[tuple[Any, ...]]:
    return [(one.path, one.before, one.after) for one in differences(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [(("b",), 2, 3)]),
        ({"a": {"--x": "1"}}, {"a": {}}, [(("a", "--x"), "1", ABSENT)]),
        ({"a": None}, {"a": "x"}, [(("a",), ABSENT, "x")]),
        ({"a": None, "b": [], "c": {}, "d": ""}, {"a": [], "b": {}, "c": None}, []),
        ({"a": "x"}, {"a": {"b": 1}}, [(("a",), "x", {"b": 1})]),
        # A bag of plain values; the order alone is told as a whole.
        ({"a": ["x", "y"]}, {"a": ["y", "z"]}, [(("a",), "x", ABSENT), (("a",), ABSENT, "z")]),
        ({"a": ["x", "x"]}, {"a": ["x"]}, [(("a",), "x", ABSENT)]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, [(("a",), ["x", "y"], ["y", "x"])]),
        # Blocks: one of them needs no index; several are compared without those that stay.
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [(("a", "b"), 1, 2)]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, [(("a", 1, "b"), 2, 3)]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 2}]}, [(("a", 0, "b"), 1, ABSENT)]),
    ],
)
def test_differences(before: Any, after: Any, expected: list[Any]) -> None:
    assert found(before, after) == expected


def test_text_that_is_json_is_compared_inside() -> None:
    before, after = (json.dumps({"detail": {"status": ["FAILED"], "n": number}}) for number in (1, 2))
    assert found({"event_pattern": before}, {"event_pattern": after}) == [(("event_pattern", "detail", "n"), 1, 2)]


def test_text_that_is_json_on_one_side_alone_is_text() -> None:
    assert found({"a": "{}"}, {"a": "{"}) == [(("a",), "{}", "{")]


def test_what_follows_a_rename_is_as_it_is_after_it() -> None:
    before = {"arn": "arn:old-name/x", "kept": "old-name", "other": "old-name-2"}
    after = {"arn": "arn:new-name/x", "kept": "old-name", "other": "something"}
    renamed = following(before, after, [("old-name", "new-name")])
    # What keeps the old name, on purpose or by mistake, and what becomes something else, are not made to look alike.
    assert list(differences(renamed, after)) == [Difference(("other",), "old-name-2", "something")]


def test_what_keeps_the_old_name_beside_the_new_one_does_not_follow() -> None:
    before, after = ["old-name"], ["old-name", "new-name"]
    renamed = following(before, after, [("old-name", "new-name")])
    assert list(differences(renamed, after)) == [Difference((), ABSENT, "new-name")]


@pytest.mark.parametrize(
    ("path", "expected"), [(["a", 0, "b"], 1), (["a", 1, "b"], ABSENT), (["x"], ABSENT), (["a", 0, "b", "c"], 1)]
)
def test_at_a_path(path: list[Any], expected: Any) -> None:
    # The last: what is not known as a whole is not known in its parts.
    assert at({"a": [{"b": 1}]}, path) == expected
