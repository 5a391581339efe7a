"""A copy of the project's Terraform, state machines and SQL, of its datasets flights, to break one thing in."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline_tools import crosscheck

ROOT = Path(__file__).parents[4]


@dataclass
class Copy:
    """The copy: break it, then see what the check says."""

    root: Path

    def break_(self, file: str, old: str, new: str, *, after: str = "") -> int:
        """Replace the first `old` that follows the text `after`, and return the line of the replacement."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        at = text.index(old, text.index(after))
        path.write_text(text[:at] + new + text[at + len(old) :], encoding="utf-8")
        return text.count("\n", 0, at) + 1

    def findings(self) -> list[str]:
        return [str(finding) for finding in crosscheck.check(self.root)]

    def assert_found(self, file: str, line: int, wrong: str, todo: str = "") -> None:
        """That there is a finding in this file, on this line, which says what is wrong and what to do."""
        found = self.findings()
        pattern = re.compile(rf"{re.escape(f'{file}:{line}: ')}.*{wrong}.*; .*{todo}")
        assert any(pattern.match(each) for each in found), "\n".join(found) or "nothing was found"


@pytest.fixture
def project(tmp_path: Path) -> Copy:
    for folder in ("infra", "sql/audit", "sql/datasets/flights"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*"))
    return Copy(tmp_path)
