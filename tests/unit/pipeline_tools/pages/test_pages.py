"""The checks of the pages, on pages that are right and wrong in one thing each."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools import pages
from pipeline_tools.environments import ROOT
from pipeline_tools.pages.__main__ import main
from pipeline_tools.pages.page_text import Page

NOXFILE = """
@nox.session
def plan(session):
    _python(session, "-m", "pipeline_tools.plan", *session.posargs)

@nox.session
def unit(session):
    _python(session, "-m", "pytest", *session.posargs)
"""
OTHER = "# Other\n\n## What a run leaves\n\n## Twice: `x`\n\n## Twice: `x`\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "noxfile.py": NOXFILE,
        "docs/other.md": OTHER,
        "src/pipeline_tools/plan/__main__.py": "from pipeline_tools.ways import way\nOPTIONS = ['--no-lock']\n",
        "src/pipeline_tools/ways.py": "WAY = '--engine'\n",
        "infra/main.tf": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def found(project: Path, text: str, name: str = "README.md") -> list[str]:
    """What is wrong with a page of the project."""
    (project / name).write_text(text, encoding="utf-8")
    names = sorted(path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file())
    return [str(finding) for finding in pages.check(project, names)]


@pytest.mark.parametrize(
    "right",
    [
        "[other](docs/other.md) [here](#one) [there](docs/other.md#what-a-run-leaves) [folder](docs/)\n\n# One",
        "[the second](docs/other.md#twice-x-1) ![elsewhere](https://example.com/no/file)",
        "`src/pipeline_tools/plan/` `infra/*.tf` `pipeline_tools/ways.py` `main.tf` `infra/main.tf:3` `sql/<name>/x`",
        "`s3://bucket/src/none.py` `./noxw` `./noxw -s plan -- dev --no-lock --engine moto`, `./noxw -s unit -- -k x`",
        "`python -m pipeline_tools.plan --no-lock`, `python -m pytest --whatever`, `python -m json.tool`",
        "`pipeline rerun last --watch`, `pipeline -h`, `pipeline list --output json --status FAILED | jq --slurp .`",
        "```text\n$ ./noxw -s none\n```",
    ],
)
def test_a_page_that_is_right_has_no_finding(project: Path, right: str) -> None:
    assert found(project, right) == []


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        ("a\n[x](docs/none.md)", "README.md:2: the link docs/none.md leads to no file; name one that is there"),
        ("[x](docs/other.md#none)", "README.md:1: docs/other.md#none names no heading; docs/other.md has other, "),
        ("[x](#none)", "README.md:1: #none names no heading; README.md has "),
        ("![x](docs/none.png)", "README.md:1: the link docs/none.png leads to no file"),
        ("`src/none.py`", "README.md:1: `src/none.py` is not a file of the project"),
        ("| a |\n|---|\n| `ways/none.py` |", "README.md:3: `ways/none.py` is not a file of the project"),
        ("`./noxw -s none`", "README.md:1: `./noxw -s none`: there is no session none; there are plan, unit"),
        (
            "`./noxw -s plan -- --fast`",
            "README.md:1: `./noxw -s plan -- --fast`: the session plan has no option --fast",
        ),
        ("`python -m pipeline_tools.none`", "there is no module pipeline_tools.none that can be run"),
        ("`python -m pipeline_tools.plan --fast`", "pipeline_tools.plan has no option --fast"),
        ("`pipeline none`", "pipeline has no command none; there are start, "),
        ("`pipeline list --fast`", "pipeline list has no option --fast; there are "),
        (
            "x\n\n```console\n$ true\n$ pipeline start flights \\\n    --fast   # yes\n```",
            "README.md:5: `pipeline start",
        ),
        ("```console\n$ echo x | pipeline none\n```", "pipeline has no command none"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(project: Path, wrong: str, finding: str) -> None:
    (said,) = found(project, wrong)
    assert finding in said


def test_a_page_that_code_names_has_to_be_there(project: Path) -> None:
    (project / "src" / "a.py").write_text('"""See docs/other.md#twice-x, docs/other.md#no,\nand docs/no.md."""\n')
    (project / "tests").mkdir()
    (project / "tests" / "a.py").write_text('MADE_UP = "docs/no.md"\n')
    first, second = found(project, "")
    assert first.startswith("src/a.py:1: docs/other.md#no names no heading; docs/other.md has other, ")
    assert second == "src/a.py:2: docs/no.md is not a page; name one that is there"


def test_the_log_may_name_files_of_former_releases(project: Path) -> None:
    assert found(project, "`src/none.py`", "CHANGELOG.md") == []


def test_a_heading_has_the_anchor_that_github_gives_it() -> None:
    page = Page.of("a.md", '# What\'s *left* of `a_b.c`, (in) S3 – all?\n\n<a id="kept"></a>\n')
    assert page.anchors == {"whats-left-of-a_bc-in-s3--all", "kept"}


def test_the_pages_of_the_project_are_right() -> None:
    assert [str(finding) for finding in pages.check(ROOT)] == []


def test_it_takes_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["README.md"]) == 2
    assert "pages takes no arguments" in capsys.readouterr().err
