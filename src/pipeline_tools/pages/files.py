"""Names of the project's files in pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pipeline_tools.crosscheck.findings import Finding
from pipeline_tools.pages.page_text import Page

# A path that begins with one of these is the project's.
_FOLDERS = ("src/", "tests/", "infra/", "sql/", "docs/", "requirements/", ".github/")
# Files by their ending, wherever they lie.
_ENDINGS = (".py", ".tf", ".asl.yaml", ".lock", ".sql", ".tfvars")
# Files that are made, or that the reader makes.
_ELSEWHERE = {
    "sql/datasets/orders",  # the example of a dataset
    "load.sql",  # compiled of a contract
    "table.sql",
    "bootstrap.auto.tfvars",  # made by infra/bootstrap/README.md
    "backend.tf",
    "sample.py",
}


def check(pages: Mapping[str, Page], names: Iterable[str]) -> Iterator[Finding]:
    """Files and folders that a page names in backticks, and which are not there."""
    places = {"/"}
    for name in names:
        places |= {f"/{name}", *(f"/{parent}" for parent in PurePosixPath(name).parents)}
    for page in pages.values():
        # What was true of a release stays in the log.
        if page.name == "CHANGELOG.md":
            continue
        for line, word in page.words:
            path = re.sub(r"[:#].*", "", word.removeprefix("./")).rstrip("/")
            if path in _ELSEWHERE or not _is_ours(path):
                continue
            if not any(fnmatchcase(place, f"*/{path}") for place in places):
                yield Finding(page.name, line, f"`{word}` is not a file of the project", "name one that is there")


def _is_ours(path: str) -> bool:
    if not re.fullmatch(r"[\w./*-]+", path):
        return False
    return f"{path}/".startswith(_FOLDERS) or path.endswith(_ENDINGS)
