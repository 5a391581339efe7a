"""The ten questions in CONTRIBUTING.md: the places that answer them are there."""

from __future__ import annotations

import ast
import re

import pytest

from pipeline_tools.environments import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_, _, _FROM = PAGE.partition("\n## Ten questions\n")
ROWS = re.findall(r"^\| ([^|]+\?) \| `([^`]+)`: `([^`]+)` \| ([^|]+) \|$", _FROM.partition("\n## ")[0], re.MULTILINE)


def test_there_are_ten() -> None:
    assert len({question for question, *_ in ROWS}) == 10


@pytest.mark.parametrize(("file", "name"), [row[1:3] for row in ROWS])
def test_the_place_of_an_answer_is_there(file: str, name: str) -> None:
    found = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        for target in node.targets if isinstance(node, ast.Assign) else []:
            found |= {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    assert name in found
