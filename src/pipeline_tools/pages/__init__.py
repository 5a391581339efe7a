"""Checks of the pages (*.md): links, anchors, file names, commands and options are those of the checkout.

`python -m pipeline_tools.pages` is a step of `nox -s lint`. Nothing is run, and no network is asked.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.pages import commands, files, links
from pipeline_tools.pages.page_text import Page


def check(root: Path, names: list[str] | None = None) -> list[Finding]:
    """Every mistake in the pages of a project, sorted by file and line.

    Args:
        root: the project's folder.
        names: its files by their path; those that git knows or would take, unless given.
    """
    names = tracked(root) if names is None else names
    pages = {name: Page.read(root, name) for name in names if name.endswith(".md")}
    found = [*links.check(pages, names), *links.check_mentions(root, pages, names)]
    found += [*files.check(pages, names), *commands.check(pages, commands.Tools.read(root))]
    return sorted(found)


def tracked(root: Path) -> list[str]:
    """The files of a checkout that git knows, or would take."""
    line = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    said = subprocess.run(line, cwd=root, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in set(said.split("\0")) if name and (root / name).is_file())
