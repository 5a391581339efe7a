"""What AWS finds wrong with a definition before anything runs, in AWS's words.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aws_facts import states_language as facts
from local_aws.engines.step_functions import call_parameters, fields
from local_aws.engines.step_functions.execution_input import json_error
from local_aws.errors import AwsError
from local_aws.json_types import JsonMapping, JsonObject

STATE_TYPES: Final = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
_TERMINAL_TYPES: Final = ("Succeed", "Fail")
_SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"
_TARGET: Final = "MISSING_TRANSITION_TARGET"
_TIMESTAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_ACTIVITY: Final = re.compile(r"arn:[^:]+:states:[^:]*:\d{12}:activity:")
# The fields of a state that each type needs.
_REQUIRED: Final = {"Task": "Resource", "Choice": "Choices", "Parallel": "Branches", "Map": "ItemProcessor"}


@dataclass(frozen=True)
class Diagnostic:
    """One finding; `location` is a path into the definition, or None for the whole."""

    code: str
    message: str
    location: str | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location is not None else "")


def diagnose(definition: str, kind: str) -> list[Diagnostic]:
    """Everything that is wrong with the form of a definition, and with where its states lead.

    Args:
        definition: the text.
        kind: "STANDARD" or "EXPRESS".
    """
    if not definition.strip():
        return [Diagnostic(_SCHEMA, "Definition must be a valid JSON object")]
    try:
        document = json.loads(definition)
    except ValueError as error:
        return [_no_json(definition, error)]
    if not isinstance(document, Mapping):
        return [Diagnostic(_SCHEMA, "Definition must be a valid JSON object")]
    language = document.get("QueryLanguage", facts.JSONPATH)
    found = [Diagnostic(_SCHEMA, message, "/") for message in fields.unsupported(document, facts.MACHINE_FIELDS)]
    found += [Diagnostic(_SCHEMA, *one) for one in fields.numbers(document, facts.STATE_NUMBERS, "")]
    found += _machine(document, "", language, kind)
    return found or list(_names(document, "", set()))


def refuse(found: list[Diagnostic]) -> None:
    """Raise what was found, if anything was."""
    if found:
        listed = ", ".join(map(str, found))
        raise AwsError("InvalidDefinition", f"Invalid State Machine Definition: '{listed}'")


def answer(found: list[Diagnostic], most: int) -> JsonObject:
    """What ValidateStateMachineDefinition answers, with at most so many diagnostics."""
    diagnostics = [
        {"severity": "ERROR", "code": one.code, "message": one.message}
        | ({"location": one.location} if one.location is not None else {})
        for one in found[:most]
    ]
    return {"result": "FAIL" if found else "OK", "diagnostics": diagnostics, "truncated": len(found) > most}


def state(definition: Mapping[str, object], name: str) -> list[Diagnostic]:
    """Everything that is wrong with one state by itself, whose targets are elsewhere."""
    return list(_state(definition, f"/States/{name}", "JSONPath", "STANDARD"))


def _no_json(definition: str, error: ValueError) -> Diagnostic:
    line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
    said = json_error(definition, error)
    word = re.match(r"Unrecognized token '(\w+)'", said)
    # The parser stands behind the word that it cannot read.
    column += len(word[1]) if word else 0
    place = f'[Source: (String)"{definition}"; line: {line}, column: {column}]'
    return Diagnostic("INVALID_JSON_DESCRIPTION", f"{said}\n at {place}", place)


def _machine(machine: Mapping[str, object], at: str, language: str, kind: str) -> Iterator[Diagnostic]:
    missing = [field for field in ("States", "StartAt") if field not in machine]
    if missing:
        yield Diagnostic(_SCHEMA, f"These fields are required: [{', '.join(missing)}]", at or "/")
        return
    states = machine["States"]
    if not isinstance(states, Mapping) or not states:
        yield Diagnostic(_SCHEMA, "Value cannot be empty", f"{at}/States")
        return
    schema = []
    for name, body in states.items():
        schema += list(_state(body, f"{at}/States/{name}", language, kind))
    yield from schema
    if not schema:
        yield from _transitions(machine, at)


def _state(body: object, at: str, language: str, kind: str) -> Iterator[Diagnostic]:
    if not isinstance(body, Mapping) or "Type" not in body:
        yield Diagnostic(_SCHEMA, "These fields are required: [Type]", at)
        return
    type_ = body["Type"]
    if type_ not in STATE_TYPES:
        listed = ", ".join(STATE_TYPES)
        yield Diagnostic(_SCHEMA, f"The field 'Type' should have one of these values: [{listed}]", f"{at}/Type")
        return
    own = body.get("QueryLanguage", language)
    if language == "JSONata" and own == "JSONPath":
        message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        yield Diagnostic(_SCHEMA, message, at)
    required = _REQUIRED.get(type_)
    if required and required not in body and not (type_ == "Map" and "Iterator" in body):
        yield Diagnostic(_SCHEMA, f"These fields are required: [{required}]", at)
    elif required in ("Choices", "Branches") and not body[required]:
        yield Diagnostic(_SCHEMA, "Value cannot be empty", f"{at}/{required}")
    time = body.get("Timestamp")
    if isinstance(time, str) and not time.startswith("{%") and not _TIMESTAMP.fullmatch(time):
        yield Diagnostic(_SCHEMA, "String does not match RFC3339 timestamp", f"{at}/Timestamp")
    if isinstance(body.get("Credentials"), Mapping) and not {"RoleArn", "RoleArn.$"} & body["Credentials"].keys():
        yield Diagnostic(_SCHEMA, "The field 'RoleArn' is required but was missing", f"{at}/Credentials")
    own = own if own == facts.JSONPATH else facts.JSONATA
    for message, place in fields.of_state(body, own):
        yield Diagnostic(_SCHEMA, message, f"{at}{place}")
    if type_ == "Task":
        for message, place in call_parameters.of_task(body, own):
            yield Diagnostic(_SCHEMA, message, f"{at}{place}")
    if kind == "EXPRESS" and type_ == "Task":
        yield from _express(str(body.get("Resource", "")), f"{at}/Resource")
    supported = facts.BRANCH_FIELDS if type_ == "Parallel" else facts.PROCESSOR_FIELDS
    for path, nested in _nested(body):
        for message in fields.unsupported(nested, supported):
            yield Diagnostic(_SCHEMA, message, f"{at}{path}")
        yield from _machine(nested, f"{at}{path}", language, kind)


def _names(machine: JsonMapping, at: str, seen: set[str]) -> Iterator[Diagnostic]:
    """Names are unique in the whole definition, branches and processors included."""
    for name in machine["States"]:
        place = f"{at}/States/{name}"
        if len(name) > facts.MOST_STATE_NAME_CHARACTERS:
            limit = f"{facts.MOST_STATE_NAME_CHARACTERS}-character limit allowed by the service"
            yield Diagnostic("INVALID_STATE_NAME", f"Invalid State name: State '{name}' exceeds the {limit}", place)
        if name in seen:
            yield Diagnostic("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", place)
        seen.add(name)
    for name, body in machine["States"].items():
        for path, nested in _nested(body):
            yield from _names(nested, f"{at}/States/{name}{path}", seen)


def _express(resource: str, at: str) -> Iterator[Diagnostic]:
    if _ACTIVITY.match(resource):
        yield Diagnostic(_SCHEMA, "Express state machine does not support Activity ARN", at)
    elif resource.endswith(".waitForTaskToken"):
        message = "Express state machine does not support '.waitForTaskToken' service integration "
        yield Diagnostic(_SCHEMA, message, at)
    elif re.search(r"\.sync(:\d)?$", resource):
        yield Diagnostic(_SCHEMA, "Express state machine does not support '.sync' service integration", at)


def _nested(body: JsonMapping) -> Iterator[tuple[str, JsonMapping]]:
    if body["Type"] == "Parallel":
        for place, branch in enumerate(body.get("Branches") or []):
            yield f"/Branches[{place}]", branch
    elif body["Type"] == "Map":
        for field in ("ItemProcessor", "Iterator"):
            if isinstance(body.get(field), Mapping):
                yield f"/{field}", body[field]


def _transitions(machine: JsonMapping, at: str) -> Iterator[Diagnostic]:
    """Each target exists, each state is reached, and one ends the workflow; a walk from StartAt finds it out."""
    states: Mapping[str, JsonMapping] = machine["States"]
    targets = {name: list(_targets(body)) for name, body in states.items()}
    missing = [(machine["StartAt"], f"{at}/StartAt")] if machine["StartAt"] not in states else []
    for name, found in targets.items():
        missing += [(target, f"{at}/States/{name}{path}") for path, target in found if target not in states]
    # AWS says 'Next' wherever the target stands.
    yield from (Diagnostic(_TARGET, f"Missing 'Next' target: {target}", place) for target, place in missing)
    if not any(body.get("End") is True or body["Type"] in _TERMINAL_TYPES for body in states.values()):
        yield Diagnostic("MISSING_END_STATE", "Workflow has no terminal state")
        return
    reached: set[str] = set()
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name in states and name not in reached:
            reached.add(name)
            waiting += [target for _, target in targets[name]]
    for name in states:
        if name not in reached:
            yield Diagnostic(_TARGET, f'State "{name}" is not reachable.', f"{at}/States/{name}")


def _targets(body: JsonMapping) -> Iterator[tuple[str, str]]:
    if "Next" in body:
        yield "/Next", body["Next"]
    if "Default" in body:
        yield "/Default", body["Default"]
    for place, choice in enumerate(body.get("Choices") or []):
        if "Next" in choice:
            yield f"/Choices[{place}]/Next", choice["Next"]
    for place, catcher in enumerate(body.get("Catch") or []):
        if "Next" in catcher:
            yield f"/Catch[{place}]/Next", catcher["Next"]
