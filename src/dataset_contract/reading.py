"""Reads a contract: a document of the Open Data Contract Standard v3 becomes the model, or is refused.

Every element is enforced, is one of those in dataset_contract.describing, or is refused by a ContractError that says
where it stands, what is there and what is accepted. There is no fourth class. docs/contract.md tells users the same.

https://bitol-io.github.io/open-data-contract-standard/v3.1.0/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from dataset_contract import objects, parameters, sla
from dataset_contract.elements import Element, custom_properties
from dataset_contract.errors import ContractError
from dataset_contract.json_types import JsonObject
from dataset_contract.model import OUTPUT, REFERENCE, SOURCE, Contract, DataObject, SetRule
from dataset_contract.naming import as_json

API_VERSIONS = ("v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0")
MOST_VERSION_BYTES = 64  # audit.job_run.contract_version

ENFORCED = ("apiVersion", "kind", "name", "version", "schema", "slaProperties", "customProperties")
REFUSED = {"slaDefaultElement": "the standard gives it up; name the element in each of slaProperties"}


def parse_text(text: str, where: str) -> Contract:
    """Read the contract in a JSON text.

    Args:
        text: as `nox -s package` writes contract.json.
        where: its path or URI, for messages.

    Raises:
        ContractError: it is not JSON, or an element cannot be honoured.
    """
    advice = "`nox -s package` writes it"
    try:
        document = json.loads(text, parse_float=Decimal, object_pairs_hook=_mapping)
    except RecursionError as error:
        raise ContractError((), f"contract {where} is nested too deeply; {advice}") from error
    except InvalidOperation as error:
        raise ContractError((), f"contract {where} has a number beyond all bounds; {advice}") from error
    except ValueError as error:
        raise ContractError((), f"contract {where} is not JSON: {error}; {advice}") from error
    try:
        return parse(document)
    except ContractError as error:
        raise ContractError(error.place, f"{error.problem} (contract {where})") from error


def _mapping(pairs: list[tuple[str, Any]]) -> JsonObject:
    names = [name for name, _ in pairs]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise ValueError(f"{as_json(name)} occurs twice in one object")
    return dict(pairs)


def parse(document: object) -> Contract:
    """Read a contract.

    Args:
        document: as JSON or YAML gives it; decimal numbers best as Decimal. A float counts as its shortest text.

    Raises:
        ContractError: an element cannot be honoured.
    """
    if not isinstance(document, Mapping):
        raise ContractError((), "the contract is not a mapping; accepted: a data contract with apiVersion, kind, …")
    element = Element(document, (), ENFORCED, REFUSED)
    element.choice("apiVersion", API_VERSIONS)
    element.choice("kind", ("DataContract",))
    dataset = element.text("name", accepted=objects.NAME_ACCEPTED)
    if not objects.NAME.fullmatch(dataset):
        raise element.refuse("name", f"is not a name of a dataset; accepted: {objects.NAME_ACCEPTED}")
    version = _version(element)
    custom = custom_properties(element, ("parameters",))
    tables = _tables(element)
    tables = _with_rules(tables, sla.read(element, tables))
    return Contract(
        dataset=dataset,
        version=version,
        source=next(table for table in tables if table.role == SOURCE),
        references=tuple(table for table in tables if table.role == REFERENCE),
        outputs=tuple(table for table in tables if table.role == OUTPUT),
        parameters=parameters.read(*custom["parameters"]) if "parameters" in custom else {},
    )


def _version(element: Element) -> str:
    accepted = f'a printable text of 1 to {MOST_VERSION_BYTES} bytes, as "1.0.0"'
    version = element.text("version", accepted=accepted)
    if len(version.encode("utf-8", "surrogatepass")) > MOST_VERSION_BYTES or not version.isprintable():
        raise element.refuse("version", f"is not a version; accepted: {accepted}")
    return version


def _tables(element: Element) -> list[DataObject]:
    tables: list[DataObject] = []
    for item, place in element.items("schema"):
        tables.append(objects.read(item, place, [table.name for table in tables]))
    roles = [table.role for table in tables]
    if roles.count(SOURCE) != 1 or OUTPUT not in roles:
        raise ContractError(
            ("schema",),
            f"has {roles.count(SOURCE)} objects of role source and {roles.count(OUTPUT)} of role output; "
            "accepted: one source, and one output or more",
        )
    return tables


def _with_rules(tables: list[DataObject], agreed: list[SetRule]) -> list[DataObject]:
    """The objects with the rules of slaProperties, and each set rule with an id of its own in the contract."""
    taken: set[str] = set()
    numbered = []
    for table in tables:
        rules = []
        for rule in (*table.rules, *(rule for rule in agreed if rule.object == table.name)):
            rules.append(replace(rule, id=_free(rule, taken)))
            taken.add(rules[-1].id)
        numbered.append(replace(table, rules=tuple(rules)))
    return numbered


def _free(rule: SetRule, taken: set[str]) -> str:
    """The rule's id; where another rule of the contract has it, the id below the object's name, then with a number."""
    if rule.id not in taken:
        return rule.id
    wanted = rule.id if rule.id.startswith(f"{rule.object}.") else f"{rule.object}.{rule.id}"
    number = 2
    name = wanted
    while name in taken:
        name = f"{wanted}.{number}"
        number += 1
    return name
