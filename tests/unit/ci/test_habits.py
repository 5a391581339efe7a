"""The files by which the project is taken part in: hooks, templates, the page on security."""

from __future__ import annotations

import re

import yaml

from pipeline_tools.environments import ROOT

NOXFILE = (ROOT / "noxfile.py").read_text(encoding="utf-8")


def test_a_commit_is_checked_by_the_project_s_own_lint_and_downloads_no_hook() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    (hook,) = repository["hooks"]
    assert hook["entry"] == "./noxw -s lint"
    assert hook["always_run"]
    assert re.search(r"^def lint\(", NOXFILE, re.MULTILINE)


def test_an_issue_form_asks_for_what_is_needed() -> None:
    folder = ROOT / ".github" / "ISSUE_TEMPLATE"
    assert yaml.safe_load((folder / "config.yml").read_text(encoding="utf-8")) == {"blank_issues_enabled": False}
    for name, needed in {"bug": {"done", "seen", "expected", "where", "version"}, "proposal": {"aim", "now"}}.items():
        form = yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))
        assert form["name"]
        assert form["description"]
        asked = {each["id"] for each in form["body"] if each.get("validations", {}).get("required")}
        assert asked == needed


def test_a_weakness_is_reported_in_private() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert "Report a vulnerability" in page
    assert "@" not in page  # nobody's address
