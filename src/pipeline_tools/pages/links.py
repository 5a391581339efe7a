"""Links between pages, and the pages that messages and comments name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.pages.page_text import Page

# What people are shown, and what engineers read, beside the pages.
_SOURCES = (".py", ".tf", ".yaml", ".yml", ".sql", ".toml", ".html", ".css")
# Not in tests, which make up pages of their own.
_MADE_UP = "tests/"
_MENTION = re.compile(r"\b(docs/[\w./-]+\.md)(?:#([\w-]+))?")


def check(pages: Mapping[str, Page], names: Iterable[str]) -> Iterator[Finding]:
    """Links whose file or heading is not there."""
    places = _with_folders(names)
    for page in pages.values():
        for line, target in page.links:
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            name = (
                posixpath.normpath(posixpath.join(posixpath.dirname(page.name), unquote(path))) if path else page.name
            )
            if name not in places:
                yield Finding(page.name, line, f"the link {target} leads to no file", "name one that is there")
            elif anchor and name in pages and anchor not in pages[name].anchors:
                yield _no_heading(page.name, line, target, pages[name])


def check_mentions(root: Path, pages: Mapping[str, Page], names: Iterable[str]) -> Iterator[Finding]:
    """Pages that code, Terraform and SQL name, and which are not there."""
    for name in names:
        if not name.endswith(_SOURCES) or name.startswith(_MADE_UP):
            continue
        for line, text in enumerate((root / name).read_text(encoding="utf-8").splitlines(), 1):
            for path, anchor in _MENTION.findall(text):
                if path not in pages:
                    yield Finding(name, line, f"{path} is not a page", "name one that is there")
                elif anchor and anchor not in pages[path].anchors:
                    yield _no_heading(name, line, f"{path}#{anchor}", pages[path])


def _no_heading(file: str, line: int, target: str, page: Page) -> Finding:
    return Finding(file, line, f"{target} names no heading", f"{page.name} has {', '.join(sorted(page.anchors))}")


def _with_folders(names: Iterable[str]) -> set[str]:
    found = {"."}
    for name in names:
        found |= {name, *(str(parent) for parent in Path(name).parents)}
    return found
