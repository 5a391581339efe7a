"""Whoever catches every exception says why, at that line."""

from __future__ import annotations

import re

from pipeline_tools.environments import ROOT

_ALL = re.compile(r"except (Base)?Exception\b.*:|except:")


def test_each_catch_of_everything_has_its_reason() -> None:
    found = [
        (f"{file.relative_to(ROOT).as_posix()}:{number}", line)
        for file in sorted((ROOT / "src").rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if _ALL.match(line.strip())
    ]
    assert len(found) > 20
    assert [place for place, line in found if not re.search(r":  # \S", line)] == []
