"""One name, one meaning: no two classes or modules of src share a name, but for those that mean the same."""

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


# A module name of several packages, and what it means in each of them.
SAME_MODULES: dict[str, str] = {
    **dict.fromkeys(("arguments", "job", "logs", "main", "parameters", "quality", "sql", "storage"), SIBLINGS),
    "conditions": "the conditions of value rules, and how DuckDB and Spark write them",
    "definitions": "definitions of state machines",
    "engine": "the entry point of an engine of the local endpoint",
    "errors": "the errors of the package",
    "executions": "executions of Step Functions",
    "expressions": "JSONata in definitions",
    "glue": "Glue's job API",
    "handler": "the entry point of a Lambda",
    "http_faults": "faults at the HTTP requests of an engine",
    "json_types": "the types of JSON objects: the endpoint may not import the package of contracts",
    "messages": "messages of SNS, SQS and EventBridge",
    "model": "the values that the modules of the package pass on",
    "page": "the HTML page of a report or a review",
    "redshift": "Redshift's SQL, and its Data API",
    "roles": "IAM roles",
    "tasks": "Task states",
    "types": "types of SQL columns",
    "validation": "what an API refuses of a request",
    "values": "values of columns",
    "warehouse": "the Redshift warehouse",
}


def test_a_module_has_a_name_of_its_own() -> None:
    found = defaultdict(list)
    for file in sorted((ROOT / "src").rglob("*.py")):
        if not file.stem.startswith("__"):
            found[file.stem].append(file.relative_to(ROOT / "src").as_posix())
    assert len(found) > 200
    assert {name: files for name, files in found.items() if len(files) > 1 and name not in SAME_MODULES} == {}
    assert [name for name in SAME_MODULES if len(found[name]) < 2] == []
