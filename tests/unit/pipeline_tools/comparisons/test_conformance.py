from __future__ import annotations

import pytest

from pipeline_tools.comparisons import conformance

DOCUMENT = "before\n<!-- conformance: begin -->\nold\n<!-- conformance: end -->\nafter\n"
FOUND = {"ministack": {"Glue: a": True, "Glue: b": True}, "plain-moto": {"Glue: a": False, "Glue: b": True}}


def test_the_table_of_a_document_is_replaced_and_read_back() -> None:
    text = conformance.with_table(DOCUMENT, FOUND)
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert conformance.documented(text) == FOUND
    assert "| | 2 of 2 | 1 of 2 |" in text


def test_a_document_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no <!-- conformance: begin -->"):
        conformance.with_table("nothing", FOUND)


def test_what_is_as_documented_is_no_difference() -> None:
    assert list(conformance.compare(FOUND, FOUND)) == []


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        ({"Glue: a": True, "Glue: b": True}, "moto alone, Glue: a: no, and the document says yes"),
        ({"Glue: a": False}, "moto alone, Glue: b: yes, and the document says nothing"),
        (
            {"Glue: a": False, "Glue: b": True, "Glue: c": True},
            "moto alone, Glue: c: nothing, and the document says yes",
        ),
    ],
)
def test_each_difference_is_a_sentence(expected: dict[str, bool], sentence: str) -> None:
    found = {"plain-moto": FOUND["plain-moto"]}
    assert list(conformance.compare(found, {"plain-moto": expected})) == [sentence]
