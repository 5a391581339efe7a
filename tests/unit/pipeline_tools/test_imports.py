"""What is deployed imports only what is there on AWS: its own packages, Python's library, and what is named here."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline_tools.environments import ROOT
from pipeline_tools.packaging import wheels

# By package: the distributions that are there besides; of the Python shell job those of its lock.
THERE: dict[str, set[str]] = {
    "dataset_contract": set(),
    "lambda_generate_param": {"aws_facts"},  # in its zip
    "lambda_emit_lineage": {"aws_facts", "lambda_generate_param"},  # in its zip
    "glue_python_job": {name.partition("==")[0] for name in wheels.pinned(wheels.LOCK.read_text(encoding="utf-8"))},
    "glue_spark_job": {"pyspark", "py4j"},
}


def imported(package: str) -> Iterator[tuple[str, str]]:
    """Where, and what: each import by the first part of the module's name."""
    for file in sorted((ROOT / "src" / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            yield from ((f"{file.name}:{node.lineno}", name.partition(".")[0]) for name in names)  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", THERE)
def test_nothing_is_imported_that_would_not_be_there(package: str) -> None:
    allowed = {*sys.stdlib_module_names, package, "dataset_contract", *THERE[package]}
    # For type checkers alone: there is nothing of it when the code runs.
    allowed |= {"mypy_boto3_s3"}
    found = list(imported(package))
    assert len(found) > 10
    assert [(where, name) for where, name in found if name not in allowed] == []


def test_the_noxfile_finds_its_modules_before_anything_is_installed() -> None:
    program = "from pipeline_tools import at_once, environments, owner"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    # -S: without the packages of the environment.
    subprocess.run([sys.executable, "-S", "-c", program], env=environment, check=True)
