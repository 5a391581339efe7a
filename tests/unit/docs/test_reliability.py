"""docs/reliability.md promises nothing that no case shows."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from pipeline_tools.chaos import matrix
from pipeline_tools.environments import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMES = [case.name for case in matrix.cases()]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and " | " in line and not line.rstrip("| ").endswith("shown by")
]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_each_line_names_cases_that_there_are(row: list[str]) -> None:
    named = re.findall(r"`([^`]+)`", row[-1])
    assert named or row[-1].startswith("every case")
    for name in named:
        assert any(fnmatchcase(each, name) for each in NAMES), name


def test_the_page_has_its_tables() -> None:
    assert len(ROWS) > 25
    assert PAGE.count("shown by |") == 4
