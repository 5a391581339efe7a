"""docs/contract.md says what the reader does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from dataset_contract import dialects, objects, types
from dataset_contract.describing import DESCRIBING
from dataset_contract.judging import OPERATORS
from pipeline_tools.comparisons import judge
from pipeline_tools.datasets import folders
from pipeline_tools.environments import ROOT

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
_LEVELS = {
    "": "the contract",
    "schema[]": "an object",
    "schema[].properties[]": "a column",
    "schema[].properties[].enum[]": "a value of `enum`",
    "schema[].quality[]": "a rule",
    "schema[].properties[].quality[]": "a rule",
    "slaProperties[]": "an agreement",
}


def describing_table() -> Iterator[str]:
    """The table of the elements that only describe, as the page has it."""
    found: dict[str, dict[str, str]] = {}
    for path, text in DESCRIBING.items():
        level, _, name = path.rpartition(".")
        label = "a customProperty" if level.endswith("customProperties[]") else _LEVELS[level]
        found.setdefault(label, {})[name] = text
    yield "| of | elements |"
    yield "|---|---|"
    for label, names in found.items():
        yield f"| {label} | " + " · ".join(f"`{name}`: {text}" for name, text in names.items()) + " |"


def test_the_page_lists_what_only_describes() -> None:
    table = "\n".join(describing_table())
    assert PAGE.partition("<!-- describing -->\n")[2].partition("\n<!-- /describing -->")[0] == table


def test_the_page_names_what_is_enforced() -> None:
    for name in (*objects.CUSTOM, *dialects.ENFORCED, *OPERATORS, *types.NAMES):
        assert re.search(rf"\b{re.escape(name)}\b", PAGE), name


def test_the_example_of_the_page_is_a_dataset(tmp_path: Path) -> None:
    folder = tmp_path / "sql" / "datasets" / "orders"
    folder.mkdir(parents=True)
    for kind, name in (("yaml", "contract.yaml"), ("sql", "transform.sql")):
        example = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
        assert example
        (folder / name).write_text(example[1], encoding="utf-8")
    rules = folders.read(folder).contract.set_rules
    assert [rule.metric for rule in rules] == ["nullValues", "rejectedRows", "rowCount"]


def test_the_page_says_where_another_reader_differs() -> None:
    listed = " ".join(PAGE.partition("<!-- judge -->")[2].partition("<!-- /judge -->")[0].split())
    assert [text.strip() for text in listed.split("- ") if text.strip()] == [
        reason.strip() for reason in judge.read_cases(judge.CASES)[1].values()
    ]
