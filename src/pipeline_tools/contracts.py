"""Checks of a dataset's folder, made when it is packaged: a mistake shows before anything is deployed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from open_data_contract_standard.model import OpenDataContractStandard
from pydantic import ValidationError

from lambda_generate_param import datasets, statements
from lambda_generate_param.layout import Layout

SQL_FILES = ("transform.sql", "table.sql", "load.sql")
ROLES = ("source", "reference", "output")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class ContractError(ValueError):
    """A dataset's folder is not complete, or its contract is not what the jobs can read."""


def compile_dataset(folder: Path) -> dict[str, Any]:
    """Check a folder of sql/datasets and return its contract as a document for JSON.

    Raises:
        ContractError: it names the file, the place and what is accepted.
    """
    if not _NAME.fullmatch(folder.name):
        raise ContractError(f"{folder}: accepted as a dataset's name: lower-case letters, digits and _, a letter first")
    for name in ("contract.yaml", *SQL_FILES):
        if not (folder / name).is_file():
            raise ContractError(f"{folder}: {name} is missing")
    document = _read(folder / "contract.yaml")
    _check(document, folder)
    _render(folder, document)
    return document


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        OpenDataContractStandard.model_validate(document)
    except yaml.YAMLError as error:
        raise ContractError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ContractError(f"{path}: not of the Open Data Contract Standard at {place}: {first['msg']}") from error
    if not isinstance(document, dict):
        raise ContractError(f"{path}: is empty")
    return document


def _check(document: dict[str, Any], folder: Path) -> None:
    where = folder / "contract.yaml"
    if document.get("name") != folder.name:
        raise ContractError(f"{where}: name is {document.get('name')!r}; accepted: {folder.name!r}, as the folder")
    roles: dict[str, list[str]] = {role: [] for role in ROLES}
    for table in document.get("schema") or []:
        role = datasets.custom(table).get("role")
        if role not in roles:
            raise ContractError(f"{where}: {table['name']}: role is {role!r}; accepted: {', '.join(ROLES)}")
        if not _NAME.fullmatch(table["name"]):
            raise ContractError(
                f"{where}: {table['name']!r}: accepted: lower-case letters, digits and _, a letter first"
            )
        if not table.get("properties"):
            raise ContractError(f"{where}: {table['name']}: properties are missing")
        roles[role].append(table["name"])
    if len(roles["source"]) != 1 or not roles["output"]:
        raise ContractError(f"{where}: accepted: one object of role source and at least one of role output")
    for name, rule in (datasets.custom(document).get("parameters") or {}).items():
        if not isinstance(rule, dict) or rule.get("type") not in datasets.PARAMETER_TYPES:
            raise ContractError(
                f"{where}: parameter {name}: accepted as its type: {', '.join(datasets.PARAMETER_TYPES)}"
            )


def _render(folder: Path, document: dict[str, Any]) -> None:
    """Render the load once with stand-ins: an unknown token or too many statements shows now, not in a run."""
    dataset = datasets.read(folder, document)
    for name, rule in dataset.parameters.items():
        if "default" not in rule:
            continue
        try:
            datasets.checked(name, rule["default"], rule)
        except datasets.ParameterError as error:
            raise ContractError(f"{folder / 'contract.yaml'}: the default of {error}") from error
    layout = Layout("job", folder.name, "raw-bucket", "lake-bucket", "artifacts-bucket")
    role = "arn:aws:iam::000000000000:role/copy"
    try:
        statements.load(folder.parents[1], layout, dataset, copy_role_arn=role, code_version="0")
    except statements.SqlTemplateError as error:
        raise ContractError(str(error)) from error
