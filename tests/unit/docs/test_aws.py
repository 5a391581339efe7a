"""docs/aws.md names what is there, and says of every line how it is known."""

from __future__ import annotations

import re

import pytest

from pipeline_tools.environments import ROOT

PAGE = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")
_HEADINGS = {"mark", "on AWS"}
MARKS = {"documentation", "model", "issue", "only preflight can tell"}


def rows() -> list[list[str]]:
    """The cells of each line of a table that says what AWS does."""
    lines = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line] for line in lines]
    return [line for line in cells if len(line) != 2 and line[0] not in _HEADINGS]


def test_the_page_has_rows() -> None:
    assert len(rows()) >= 20


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:50])
def test_a_row_says_where_it_is_met_and_how_it_is_known(row: list[str]) -> None:
    fact, product, demanded, known = row
    assert fact.endswith(".")
    assert product.strip()
    assert demanded.strip()
    marks = set(re.findall(r"\[([a-z ]+)\]", known)) & MARKS
    assert marks or known.startswith("our own reading"), f"{fact}: {known}"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:infra|src|tests|docs|sql|\.github)/[^`\s:*]+)", PAGE))))
def test_what_it_names_exists(path: str) -> None:
    assert (ROOT / path).exists()
