"""One name, one meaning: no two classes of src share a name, but for those that mean the same."""

from __future__ import annotations

import ast
from collections import defaultdict

from pipeline_tools.environments import ROOT

SIBLINGS = "the two jobs are deployed apart and share no code but the contract's"
# A class that several files define, and why that is one meaning.
SAME: dict[str, str] = {
    "Arguments": SIBLINGS,
    "ArgumentsError": SIBLINGS,
    "JobError": SIBLINGS,
    "Log": SIBLINGS,
    "Storage": SIBLINGS,
    "StoredFile": SIBLINGS,
    "_Parser": SIBLINGS,
    "Attempt": "an execution that worked on a job, or a redrive of it: as the Lambda, the client and chaos see it",
    "Settings": "what Terraform tells a Lambda through its environment: each of the two has its own",
}


def classes() -> dict[str, list[str]]:
    """The files that define a class, by its name."""
    found = defaultdict(list)
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(file.relative_to(ROOT / "src").as_posix())
    return found


def test_a_class_has_a_name_of_its_own() -> None:
    found = classes()
    assert len(found) > 300
    assert {name: files for name, files in found.items() if len(files) > 1 and name not in SAME} == {}
    assert [name for name in SAME if len(found[name]) < 2] == []
