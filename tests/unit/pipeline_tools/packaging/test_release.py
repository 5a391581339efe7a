from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_tools.packaging import release


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', encoding="utf-8")
    for name in ("README.md", "docs/local.md", "infra/modules/storage/README.md", "infra/main.tf", "src/notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"this is {name}", encoding="utf-8")
    return tmp_path


def test_the_tag_names_the_version_of_the_project(project: Path) -> None:
    assert release.version("v1.2.3", project) == "1.2.3"


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2.4", "v1.2.3-rc1", ""])
def test_another_tag_is_refused_and_nothing_is_removed(
    tag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("", encoding="utf-8")
    with pytest.raises(release.ReleaseError, match="is not v"):
        release.build(tag, tmp_path)
    assert (tmp_path / "kept").is_file()
    assert release.main([tag]) == 1
    assert "the version in pyproject.toml; change one of them" in capsys.readouterr().err


def test_the_docs_have_the_pages_of_the_terraform_modules(project: Path) -> None:
    assert release.docs(project) == {
        name: f"this is {name}".encode() for name in ("README.md", "docs/local.md", "infra/modules/storage/README.md")
    }


def test_the_tag_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main([]) == 2
    assert "./noxw -s release -- v<version>" in capsys.readouterr().err
