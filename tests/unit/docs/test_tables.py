"""Tables of the pages that repeat what code says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from pipeline import errors
from pipeline.cli import INTERRUPTED
from pipeline.errors import PipelineError
from pipeline_tools.environments import ROOT
from pipeline_tools.pages.commands import Tools


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def first_cells(text: str) -> Iterator[str]:
    """The first cell of each line of the tables in a text, without the headings."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| --", "|--")):
            yield line.strip("|").split(" | ")[0].strip()


def audit_relations() -> dict[str, str]:
    """The tables and views of the schema `audit`, and what each is made of."""
    text = read("sql/audit/schema.sql")
    made = r"CREATE (?:TABLE IF NOT EXISTS|TABLE|VIEW|OR REPLACE VIEW) audit\.(\w+)(.*?);\n"
    return {match[1]: match[2] for match in re.finditer(made, text, re.DOTALL)}


def test_contributing_names_every_session() -> None:
    table = read("CONTRIBUTING.md").partition("## Where things are")[0]
    sessions = {name for cell in first_cells(table) for name in re.findall(r"\./noxw -s (\w+)", cell)}
    # The default ones are told together.
    assert sessions | {"package", "lint", "test", "unit"} == set(Tools.read(ROOT).sessions)


def test_contributing_names_every_folder_of_the_code() -> None:
    table = read("CONTRIBUTING.md").partition("## Where things are")[2].partition("\n## ")[0]
    named = {cell.strip("`") for cell in first_cells(table)}
    folders = {path for path in (ROOT / "src").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert {str(path.relative_to(ROOT)) for path in folders} == {name for name in named if name.startswith("src/")}


def test_the_page_on_audit_tables_has_all_of_them() -> None:
    table = read("docs/audit.md").partition("\n## ")[0]
    named = [re.findall(r"`(\w+)`", cell) for cell in first_cells(table)]
    assert sorted(name for names in named for name in names) == sorted(audit_relations())


def test_the_front_page_names_only_audit_tables_that_there_are() -> None:
    named = set(re.findall(r"^\| `audit\.(\w+)`", read("README.md"), re.MULTILINE))
    assert len(named) >= 5
    assert named <= set(audit_relations())


@pytest.mark.parametrize("view", ["reconciliation", "replay_reconciliation"])
def test_the_columns_of_a_view_are_those_of_the_page(view: str) -> None:
    section = read("docs/audit.md").partition(f"\n## {view}\n")[2].partition("\n## ")[0]
    named = [name for cell in first_cells(section) for name in re.findall(r"`(\w+)`", cell)]
    assert named
    for name in named:
        assert re.search(rf"\b{name}\b", audit_relations()[view]), name


def test_decisions_are_numbered_one_after_another() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    assert [int(path.name[:4]) for path in records] == list(range(1, len(records) + 1))
    for path in records:
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. ")


def test_the_exit_codes_are_those_that_the_command_has() -> None:
    table = read("docs/cli.md").partition("| exit code |")[2].partition("\n\n")[0]
    listed = {int(cell) for cell in first_cells(table) if cell.isdigit()}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PipelineError)]
    assert {kind.exit_code for kind in kinds} | {0, INTERRUPTED} == listed
