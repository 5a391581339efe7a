"""Which fields a state may have, and what may stand in them, in the words of AWS's diagnostics."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from aws_facts import states_language as facts
from local_aws.json_types import JsonMapping

# A message, and where it is below the state.
Problem = tuple[str, str]

_RESOURCE: Final = re.compile(r"arn:aws[a-z-]*:states:[^:]*:[^:]*:(?P<service>[^:]+):(?P<call>.+)")
_PATTERN: Final = re.compile(r"\.(sync|waitForTaskToken).*$")
_ALL_ERRORS: Final = "States.ALL"
# Between the quotes of an intrinsic function's text a backslash stands before these alone.
# https://states-language.net/spec.html#appendix-b
_TEXT: Final = re.compile(r"\[?'(?:[^'\\]|\\.)*'", re.DOTALL)
_ILLEGAL_ESCAPE: Final = re.compile(r"\\[^'{}\\]", re.DOTALL)
_TEMPLATES: Final = ("Parameters", "ResultSelector", "ItemSelector", "Assign")


def unsupported(body: Mapping[str, object], supported: Collection[str]) -> Iterator[str]:
    """The messages about fields that are not among those that are supported."""
    for name in body:
        if name not in supported:
            yield f"Field '{name}' is not supported"


def of_state(body: JsonMapping, language: str) -> Iterator[Problem]:
    """What is wrong with the fields of a state of a known type, in its own query language."""
    for message in unsupported(body, facts.STATE_FIELDS[body["Type"]]):
        yield message, ""
    yield from _of_language(body, language, "")
    yield from numbers(body, facts.STATE_NUMBERS, "")
    yield from _assigned(body, "", language)
    if language == facts.JSONPATH:
        for name in _TEMPLATES:
            yield from _intrinsic_functions(body.get(name), f"/{name}")
    for field, one in (("Choices", _rule), ("Retry", _retrier), ("Catch", _catcher)):
        handlers = body.get(field)
        if not isinstance(handlers, list) or field not in facts.STATE_FIELDS[body["Type"]]:
            continue
        for place, handler in enumerate(handlers):
            if isinstance(handler, Mapping):
                yield from one(handler, f"/{field}[{place}]", language)
        if field != "Choices":
            yield from _all_errors_last(handlers, f"/{field}")
    if body["Type"] == "Task" and isinstance(body.get("Resource"), str):
        yield from _resource(body["Resource"])


def _of_language(body: Mapping[str, object], language: str, at: str) -> Iterator[Problem]:
    other = facts.JSONATA if language == facts.JSONPATH else facts.JSONPATH
    foreign = facts.JSONATA_ONLY if language == facts.JSONPATH else facts.JSONPATH_ONLY
    for name in body:
        if name in foreign:
            said = f"but field '{name}' is only supported for the '{other}' QueryLanguage"
            yield f"The QueryLanguage is set to '{language}', {said}", at


def _intrinsic_functions(template: object, at: str) -> Iterator[Problem]:
    if isinstance(template, list):
        for place, value in enumerate(template):
            yield from _intrinsic_functions(value, f"{at}[{place}]")
        return
    for name, value in template.items() if isinstance(template, Mapping) else ():
        if not (name.endswith(".$") and isinstance(value, str) and value.startswith("States.")):
            yield from _intrinsic_functions(value, f"{at}/{name}")
        elif any(_ILLEGAL_ESCAPE.search(text) for text in _texts(value)):
            yield f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call", at


def _texts(call: str) -> Iterator[str]:
    for text in _TEXT.findall(call):
        if not text.startswith("["):  # a name in a path
            # An escaped backslash is none that escapes what follows.
            yield text.replace("\\\\", "")


def numbers(body: Mapping[str, object], limits: Mapping[str, tuple[int, int]], at: str) -> Iterator[Problem]:
    """The numbers that are below or above their limits; `at` is where `body` is."""
    for name, (least, most) in limits.items():
        value = body.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if value < least:
            yield f"Minimum value is {least}", f"{at}/{name}"
        elif value > most:
            yield f"Maximum value is {most}", f"{at}/{name}"


def _assigned(body: Mapping[str, object], at: str, language: str) -> Iterator[Problem]:
    assigned = body.get("Assign")
    for given in assigned if isinstance(assigned, Mapping) else ():
        name = given.removesuffix(".$") if language == facts.JSONPATH else given
        long = len(name) > facts.MOST_VARIABLE_NAME_CHARACTERS
        if long or not name.isidentifier() or name == facts.RESERVED_VARIABLE:
            accepted = f"an identifier of at most {facts.MOST_VARIABLE_NAME_CHARACTERS} characters"
            yield f"Invalid variable name '{name}': accepted is {accepted}, not 'states'", f"{at}/Assign"


def _rule(rule: Mapping[str, object], at: str, language: str) -> Iterator[Problem]:
    yield from _of_language(rule, language, at)
    yield from _assigned(rule, at, language)


def _retrier(retrier: Mapping[str, object], at: str, _language: str) -> Iterator[Problem]:
    for message in unsupported(retrier, facts.RETRIER_FIELDS):
        yield message, at
    yield from numbers(retrier, facts.RETRIER_NUMBERS, at)


def _catcher(catcher: Mapping[str, object], at: str, language: str) -> Iterator[Problem]:
    for message in unsupported(catcher, facts.CATCHER_FIELDS):
        yield message, at
    yield from _of_language(catcher, language, at)
    yield from _assigned(catcher, at, language)


def _all_errors_last(handlers: list[Any], at: str) -> Iterator[Problem]:
    for place, handler in enumerate(handlers[:-1]):
        if isinstance(handler, Mapping) and _ALL_ERRORS in (handler.get("ErrorEquals") or ()):
            yield f"{_ALL_ERRORS} must be in the last element", f"{at}[{place}]/ErrorEquals"


def _resource(resource: str) -> Iterator[Problem]:
    """A pattern that the service of a task does not have."""
    found = _RESOURCE.fullmatch(resource)
    if found is None or found["service"] not in facts.PATTERNS:
        return
    pattern = _PATTERN.search(found["call"])
    if (pattern[0] if pattern else "") not in facts.PATTERNS[found["service"]]:
        said = "The value is not a valid resource ARN, or the resource is not available in this region."
        yield f"The resource provided {resource} is not recognized. {said}", "/Resource"
