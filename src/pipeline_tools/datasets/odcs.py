"""A contract against the JSON Schema of the Open Data Contract Standard, in messages for people.

The schema is the one that the package open-data-contract-standard ships; it holds for every apiVersion that it lists.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft201909Validator, validators
from jsonschema.exceptions import ValidationError

from dataset_contract.errors import ElementPath
from dataset_contract.json_types import JsonMapping, JsonObject
from dataset_contract.naming import as_json
from pipeline_tools.datasets.strict_yaml import Document, Problem

_TYPES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_LIMITS = {
    "const": "{}",
    "pattern": "a text that matches {}",
    "minimum": "{} or more",
    "maximum": "{} or less",
    "minLength": "{} characters or more",
    "minItems": "{} values or more",
    "maxItems": "{} values or fewer",
    "uniqueItems": "each value once",
}


def problems(document: Document) -> list[Problem]:
    """All that the standard's schema finds, each once, in the order of the text."""
    found = {
        Problem(document.line(place), place, text): None
        for error in _errors(document.value)
        for place, text in _told(error, document)
    }
    return sorted(found, key=lambda problem: (problem.line, problem.place != (), problem.text))


@cache
def _schema() -> JsonObject:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    schema: JsonObject = json.loads(text)
    return schema


@cache
def _validator() -> Any:
    checker = Draft201909Validator.TYPE_CHECKER.redefine_many(
        {
            "number": lambda _, value: isinstance(value, (int, Decimal)) and not isinstance(value, bool),
            "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
        }
    )
    extend: Any = validators.extend
    return extend(Draft201909Validator, type_checker=checker)(_schema())


def _errors(value: object) -> Iterator[Any]:
    untyped: set[ElementPath] = set()
    for error in _validator().iter_errors(value):
        place = tuple(error.absolute_path)
        # Without a logicalType the schema asks for what each type has, so that no option would be accepted.
        element = place[: place.index("logicalTypeOptions")] if "logicalTypeOptions" in place else place
        if error.validator_value == ["map"] and "logicalType" not in error.instance:
            continue
        if element != place and "logicalType" not in _at(value, element):
            untyped.add(element)
        else:
            yield error
    for element in untyped:
        yield ValidationError("", validator="required", validator_value=["logicalType"],
                              instance=_at(value, element), path=element)  # fmt: skip


def _at(value: Any, place: ElementPath) -> Any:
    for step in place:
        value = value[step]
    return value


def _told(error: Any, document: Document) -> Iterator[tuple[ElementPath, str]]:
    place: ElementPath = tuple(error.absolute_path)
    keyword, accepted, value = str(error.validator), error.validator_value, error.instance
    if keyword == "required":
        for name in accepted:
            if name not in value:
                yield (*place, name), "is missing"
    elif keyword in ("unevaluatedProperties", "additionalProperties"):
        known = sorted(set(_names(error.schema)))
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                meant = f"did you mean {near[0]}? " if near else ""
                yield (*place, name), f"is not known here; {meant}accepted: {', '.join(known)}"
    elif keyword in ("oneOf", "anyOf"):
        yield from _alternatives(error, place, document)
    elif keyword == "not":
        for name in accepted.get("required", ()):
            yield (*place, name), "is not accepted here"
    elif keyword == "type":
        yield place, _mistyped(value, accepted, document.texts.get(place, ""))
    elif place == ("apiVersion",):
        # The schema also lists the versions before it, which are of another form.
        yield place, f"is {as_json(value)}; accepted: {', '.join(name for name in accepted if name >= 'v3')}"
    else:
        yield place, f"is {as_json(value)}; accepted: {_accepted(keyword, accepted)}"


def _mistyped(value: object, accepted: Any, written: str) -> str:
    wanted = [accepted] if isinstance(accepted, str) else list(accepted)
    text = f"is {as_json(value)}; accepted: {' or '.join(_TYPES[name] for name in wanted)}"
    if "string" in wanted and isinstance(value, (bool, int, Decimal)):
        return f'{text}; quote it: "{written}"'
    return text


def _accepted(keyword: str, limit: Any) -> str:
    if keyword == "enum":
        return ", ".join(map(str, limit))
    return _LIMITS.get(keyword, f"{keyword} {{}}").format(limit)


def _alternatives(error: Any, place: ElementPath, document: Document) -> Iterator[tuple[ElementPath, str]]:
    """What to do where one of several forms has to fit: the errors of the form that is meant, or else all forms."""
    branches: Mapping[int, list[Any]] = defaultdict(list)
    for cause in error.context or ():
        branches[int(cause.schema_path[0])].append(cause)
    meant = [causes for causes in branches.values() if not any(_is_another(cause, place) for cause in causes)]
    if len(meant) == 1:
        for cause in meant[0]:
            yield from _told(cause, document)
        return
    forms = [_resolved(form) for form in error.validator_value]
    names = [name for form in forms for name in form.get("required", ())]
    if names:
        given = [name for name in names if name in error.instance]
        has = f"has {' and '.join(given)}" if given else "has no operator"
        yield place, f"{has}; accepted: one of {', '.join(names)}"
        return
    kinds = list(dict.fromkeys(form["type"] for form in forms if "type" in form))
    if kinds and not meant:
        yield place, _mistyped(error.instance, kinds, document.texts.get(place, ""))
    else:
        accepted = (_accepted(str(cause.validator), cause.validator_value) for causes in meant for cause in causes)
        yield place, f"is {as_json(error.instance)}; accepted: {' or '.join(dict.fromkeys(accepted))}"


def _is_another(cause: Any, place: ElementPath) -> bool:
    """Whether an error says that a form is not the one that was meant."""
    return cause.validator in ("required", "type") and tuple(cause.absolute_path) == place


def _names(schema: object) -> Iterator[str]:
    """The names that a schema knows, those of all its parts."""
    if not isinstance(schema, Mapping):
        return
    yield from schema.get("properties", ())
    if "$ref" in schema:
        yield from _names(_resolved(schema))
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            yield from _names(part)
    for keyword in ("if", "then", "else"):
        yield from _names(schema.get(keyword))


def _resolved(schema: Mapping[str, object]) -> JsonMapping:
    reference = schema.get("$ref")
    return _schema()["$defs"][str(reference).rpartition("/")[2]] if reference else schema
