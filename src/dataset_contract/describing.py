"""The elements that only describe: they are for people and other tools, and no stage acts on them.

Every element of a contract is enforced, listed here, or refused. docs/contract.md is checked against DESCRIBING.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Union

from dataset_contract.errors import ContractError, ElementPath
from dataset_contract.json_types import JsonMapping
from dataset_contract.naming import as_json, unknown

_RULES = ("schema[].quality[]", "schema[].properties[].quality[]")
_OBJECT = "schema[]"
_PROPERTY = "schema[].properties[]"

# The path of an element, list positions left out -> what it describes. An element stands for all that is below it.
DESCRIBING: Mapping[str, str] = {
    "id": "identifier of the contract",
    "tenant": "organisation that the data belongs to",
    "tags": "keywords",
    "status": "where the contract is in its life",
    "servers": "where the data is kept elsewhere; the pipeline's places follow from its own set-up",
    "dataProduct": "data product that the contract is part of",
    "description": "purpose, usage and limitations",
    "domain": "business domain",
    "context": "guidance for assistants and semantic layers",
    "support": "where to ask",
    "price": "price of the data",
    "team": "people in charge",
    "roles": "roles that give access; access is granted in IAM and Redshift",
    "authoritativeDefinitions": "links to definitions",
    "contractCreatedTs": "moment of the contract's creation",
    **{
        f"{level}.{name}": text
        for level in (_OBJECT, _PROPERTY)
        for name, text in {
            "id": "identifier of the element",
            "description": "what it holds",
            "businessName": "name that people use",
            "deprecated": "whether users should move away from it",
            "synonyms": "other names for it",
            "authoritativeDefinitions": "links to definitions",
            "tags": "keywords",
        }.items()
    },
    f"{_OBJECT}.physicalType": "table, view, file or topic",
    f"{_OBJECT}.dataGranularityDescription": "what one row stands for",
    f"{_OBJECT}.context": "guidance for assistants and semantic layers",
    f"{_PROPERTY}.classification": "confidentiality of the column; access is granted in Redshift",
    f"{_PROPERTY}.encryptedName": "name of a column with the encrypted value",
    f"{_PROPERTY}.transformSourceObjects": "objects that the column is made from",
    f"{_PROPERTY}.transformLogic": "how the column is made; transform.sql makes it",
    f"{_PROPERTY}.transformDescription": "how the column is made, in words",
    f"{_PROPERTY}.examples": "sample values",
    f"{_PROPERTY}.criticalDataElement": "whether the column is critical",
    f"{_PROPERTY}.enum[].id": "identifier of the value",
    f"{_PROPERTY}.enum[].label": "name of the value that people use",
    f"{_PROPERTY}.enum[].description": "what the value stands for",
    f"{_PROPERTY}.enum[].customProperties": "what else is known of the value",
    f"{_PROPERTY}.enum[].authoritativeDefinitions": "links to definitions",
    f"{_PROPERTY}.enum[].tags": "keywords",
    **{
        f"{level}.{name}": text
        for level in _RULES
        for name, text in {
            "description": "what the rule is for; all of a rule of type text",
            "authoritativeDefinitions": "links to definitions",
            "businessImpact": "what a breach means",
            "dimension": "quality dimension of the rule",
            "method": "how the rule came about",
            "tags": "keywords",
        }.items()
    },
    "slaProperties[].description": "what the agreement is for",
    "slaProperties[].driver": "why it matters",
    "slaProperties[].authoritativeDefinitions": "links to definitions",
    **{
        f"{level}customProperties[].{name}": text
        for level in ("", "schema[].", "schema[].properties[].", *(f"{rule}." for rule in _RULES), "slaProperties[].")
        for name, text in {
            "id": "identifier of the customProperty",
            "description": "what the customProperty is for",
            "vendor": "tool that the customProperty belongs to; one with a vendor describes as a whole",
        }.items()
    },
}

# What may be below a describing element, by the element's name: None is a text, a number, true or false; a mapping
# lists names of which each leads to its own shape; a list holds the shape of its items; ANY is not looked into.
Shape = Union[None, str, list[Any], tuple[Any, ...], JsonMapping]
ANY = "any"
_TAGS: Shape = [None]
_CUSTOM: Shape = [{"id": None, "property": None, "value": ANY, "description": None, "vendor": None}]
_DEFINITIONS: Shape = [{"id": None, "url": None, "type": None, "description": None}]
_ROLES: Shape = [
    {
        **dict.fromkeys(("id", "role", "description", "access", "firstLevelApprovers", "secondLevelApprovers")),
        "customProperties": _CUSTOM,
    }
]
_MEMBERS: Shape = [
    {
        **dict.fromkeys(("id", "username", "name", "description", "role", "dateIn", "dateOut", "replacedByUsername")),
        "tags": _TAGS,
        "customProperties": _CUSTOM,
        "authoritativeDefinitions": _DEFINITIONS,
    }
]
_STATEMENT = {"id": None, "authoritativeDefinitions": _DEFINITIONS, "tags": _TAGS, "customProperties": _CUSTOM}
# The fields of every type of server; the standard's own schema tells which type has which.
_SERVER = (
    *("id", "server", "type", "description", "environment", "account", "catalog", "catalogUrl", "database", "dataset"),
    *("delimiter", "encoding", "endpointUrl", "format", "host", "location", "namespace", "path", "port"),
    *("project", "region", "regionName", "schema", "serviceName", "stagingDir", "stream", "warehouse", "workgroup"),
)
_SHAPES: Mapping[str, Shape] = {
    "tags": _TAGS,
    "examples": ANY,
    "transformSourceObjects": [None],
    "authoritativeDefinitions": _DEFINITIONS,
    "customProperties": _CUSTOM,
    "synonyms": [
        {
            **dict.fromkeys(("id", "synonym", "description", "locale", "source", "status")),
            "customProperties": _CUSTOM,
        }
    ],
    "context": (
        None,
        {
            "instructions": None,
            "verifiedStatements": [{**_STATEMENT, "question": None, "answer": None}],
            "constraints": [{**_STATEMENT, "constraint": None}],
        },
    ),
    "servers": [{**dict.fromkeys(_SERVER), "roles": _ROLES, "customProperties": _CUSTOM}],
    "support": [
        {
            **dict.fromkeys(("id", "channel", "url", "description", "tool", "scope", "invitationUrl")),
            "customProperties": _CUSTOM,
        }
    ],
    "price": dict.fromkeys(("id", "priceAmount", "priceCurrency", "priceUnit")),
    "team": (
        _MEMBERS,
        {
            **dict.fromkeys(("id", "name", "description")),
            "members": _MEMBERS,
            "tags": _TAGS,
            "customProperties": _CUSTOM,
            "authoritativeDefinitions": _DEFINITIONS,
        },
    ),
    "roles": _ROLES,
}
# `description` is a mapping for the contract, and a text elsewhere.
_DESCRIPTION: Shape = {
    **dict.fromkeys(("usage", "purpose", "limitations")),
    "authoritativeDefinitions": _DEFINITIONS,
    "customProperties": _CUSTOM,
}


@cache
def below(pattern: str) -> tuple[str, ...]:
    """The names of the describing elements directly below a path pattern."""
    prefix = f"{pattern}." if pattern else ""
    rest = [path[len(prefix) :] for path in DESCRIBING if path.startswith(prefix)]
    return tuple(name for name in rest if "." not in name)


def check(value: object, place: ElementPath) -> None:
    """Refuse an unknown name below a describing element, and what has another form than the standard gives it.

    Raises:
        ContractError: it names the element.
    """
    shape = _DESCRIPTION if place == ("description",) else _SHAPES.get(str(place[-1]))
    _check(value, place, shape)


def _check(value: object, place: ElementPath, shape: Shape) -> None:
    if shape == ANY:
        return
    if isinstance(shape, tuple):
        _check(value, place, _fitting(value, shape))
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise ContractError(place, f"{as_json(value)} is not a list; accepted: a list")
        for index, item in enumerate(value):
            _check(item, (*place, index), shape[0])
    elif isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            raise ContractError(place, f"{as_json(value)} is not a mapping; accepted: {', '.join(shape)}")
        for name, item in value.items():
            if name not in shape:
                raise unknown(place, name, tuple(shape))
            _check(item, (*place, name), shape[name])
    elif value is None or isinstance(value, (list, Mapping)):
        raise ContractError(place, f"{as_json(value)} is not a text; accepted: a text")


def _fitting(value: object, shapes: tuple[Any, ...]) -> Shape:
    """The shape for the form that a value has; the last one where none fits, so that the message lists its names."""
    form = list if isinstance(value, list) else Mapping if isinstance(value, Mapping) else type(None)
    return next((shape for shape in shapes if isinstance(shape, form)), shapes[-1])
