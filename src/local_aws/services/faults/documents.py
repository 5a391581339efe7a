"""Reads the documents of `faults`: a mapping, or a file of YAML or JSON. What is wrong is refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

from botocore.loaders import Loader
from botocore.model import OperationModel

from aws_facts import glue
from local_aws.services.faults.fault_rules import At, Error, FaultPlan, Rule, When
from local_aws.services.request_model import service_model

PLACES: Final = get_args(At)
STATEMENT_STATES: Final = ("ABORTED", "FAILED", "forgotten")
JOB_RUN_ENDS: Final = tuple(state for state, over in glue.JOB_RUN_STATES.items() if over)
# What a rule may have beside name, at, match, skip, times and delay, by its place.
_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "task": frozenset({"when", "service", "operation", "error", "kill"}),
    "request": frozenset({"when", "service", "operation", "error", "kill", "cut"}),
    "job_run": frozenset({"when", "error", "state", "kill"}),
    "statement": frozenset({"when", "error", "state", "kill"}),
    "event": frozenset({"copies", "kill"}),
}
_ALWAYS: Final = ("name", "at", "match", "skip", "times", "delay")
_ACTIONS: Final = ("error", "state", "cut", "delay", "copies", "kill")
# What match may name, beside members of a request (task, request) and of the event (event).
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "task": ("state_machine", "state", "execution"),
    "request": (),
    "job_run": ("job", "run", "arguments"),
    "statement": ("statement_name", "sql", "database", "cluster"),
    "event": ("rule", "target", "id", "source", "detail-type", "detail", "account", "region", "resources", "time"),
}
_KILLS: Final[Mapping[str, tuple[str, ...]]] = {
    place: ("endpoint", "database", "run") if place == "job_run" else ("endpoint", "database") for place in PLACES
}
_MOST_SECONDS: Final = 86_400.0


class FaultsError(ValueError):
    """A document that is refused; the text names the place, the value and what is accepted."""


def read_file(path: Path) -> FaultPlan:
    """Read a file of YAML or JSON.

    Raises:
        FaultsError: it cannot be read, or its document is refused.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise FaultsError(f"{path} cannot be read: {error}") from error
    try:
        return read(document)
    except FaultsError as error:
        raise FaultsError(f"{path}: {error}") from error


def read_json(body: bytes) -> FaultPlan:
    """Read the body of a request.

    Raises:
        FaultsError: it is not JSON, or its document is refused.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FaultsError(f"the body is not JSON: {error}; accepted: an object with faults and waits") from error
    return read(document)


def read(document: Any) -> FaultPlan:
    """Read a document.

    Raises:
        FaultsError: for the first thing that is wrong.
    """
    _need_mapping(document, "the document", ("waits", "faults"))
    waits = _number(document.get("waits", 1.0), "waits", 0.0, 10.0)
    listed = document.get("faults", [])
    if not isinstance(listed, list):
        raise _refused("faults", listed, "a list of rules")
    rules: list[Rule] = []
    for index, each in enumerate(listed):
        rule = _rule(each, f"faults[{index}]")
        if any(other.name == rule.name for other in rules):
            raise _refused(f"faults[{index}].name", rule.name, "a name that no other rule has")
        rules.append(rule)
    return FaultPlan(tuple(rules), waits)


def _rule(given: object, place: str) -> Rule:
    if not isinstance(given, Mapping):
        raise _refused(place, given, "a mapping with name, at and what happens")
    name = given.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _refused(f"{place}.name", name, "a text")
    place = f"{place} ({name})"
    at = _one_of(given.get("at"), f"{place}.at", PLACES)
    _need_mapping(given, place, (*_ALWAYS, *sorted(_FIELDS[at])), f" of a rule at {at}")
    if not any(each in given for each in _ACTIONS):
        raise FaultsError(f"{place} does nothing; accepted: one of {', '.join(_actions(at))}")
    service, operation = _call(given, place)
    cut = _whole(given["cut"], f"{place}.cut") if "cut" in given else None
    return Rule(
        name=name,
        at=at,
        when=_when(given, place, at, cut),
        service=service,
        operation=operation.name if operation else None,
        match=_match(given.get("match", {}), f"{place}.match", at, operation),
        skip=_whole(given.get("skip", 0), f"{place}.skip"),
        times=_whole(given.get("times", 1), f"{place}.times"),
        error=_error(given["error"], f"{place}.error", at) if "error" in given else None,
        state=_state(given, place, at),
        cut=cut,
        delay=_number(given.get("delay", 0.0), f"{place}.delay", 0.0, _MOST_SECONDS),
        copies=_whole(given["copies"], f"{place}.copies", 100) if "copies" in given else None,
        kill=_one_of(given["kill"], f"{place}.kill", _KILLS[at]) if "kill" in given else None,
    )


def _actions(at: str) -> list[str]:
    return [each for each in _ACTIONS if each == "delay" or each in _FIELDS[at]]


def _when(given: Mapping[str, object], place: str, at: str, cut: int | None) -> When:
    when: When = _one_of(given.get("when", "after" if cut else "before"), f"{place}.when", get_args(When))
    if when == "before" and cut:
        raise _refused(f"{place}.when", when, f"after, where cut is {cut}: before the work there is no body to cut")
    if when == "after" and given.get("kill") == "run":
        raise _refused(f"{place}.when", when, "before, where kill is run: afterwards there is none")
    if cut is not None and "error" in given:
        raise _refused(f"{place}.cut", cut, "either cut or error")
    if at == "job_run" and given.get("kill") == "run" and "state" in given:
        raise _refused(f"{place}.state", given["state"], "either state or kill: run")
    return when


def _call(given: Mapping[str, object], place: str) -> tuple[str | None, OperationModel | None]:
    service, operation = given.get("service"), given.get("operation")
    if service is not None and service not in _services():
        near = get_close_matches(str(service), _services(), 3, 0.4)
        raise _refused(f"{place}.service", service, f"boto3's name of a client, such as {', '.join(near or ['glue'])}")
    if operation is None:
        return service, None
    if service is None:
        raise _refused(f"{place}.operation", operation, "an operation beside its service")
    model = service_model(service)
    if operation not in model.operation_names:
        near = get_close_matches(str(operation), model.operation_names, 5, 0.5) or list(model.operation_names)[:5]
        raise _refused(f"{place}.operation", operation, f"an operation of {service}, such as {', '.join(near)}")
    return service, model.operation_model(operation)


@cache
def _services() -> frozenset[str]:
    return frozenset(Loader().list_available_services("service-2"))


def _match(given: object, place: str, at: str, operation: OperationModel | None) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise _refused(place, given, "a mapping of names to patterns")
    known: list[str] | None = list(_NAMES[at])
    if at in ("task", "request"):
        # Without an operation there is no telling which members there are.
        shape = operation.input_shape if operation else None
        known = [*_NAMES[at], *(shape.members if shape else ())] if operation else None
    for path, glob in given.items():
        if not isinstance(path, str) or (known is not None and not _begins_with_one(path, known)):
            raise _refused(place, path, ", ".join(known or ()) or "nothing")
        if not isinstance(glob, str):
            raise _refused(f"{place}.{path}", glob, "a pattern: a text with * ? and […]; quote a number")
    return dict(given)


def _begins_with_one(path: str, names: Collection[str]) -> bool:
    first = path.partition(".")[0].lower()
    return any(first == name.lower() for name in names)


def _error(given: Any, place: str, at: str) -> Error:
    has_code = at in ("task", "request")
    _need_mapping(given, place, ("code", "message", "status") if has_code else ("message",))
    code, message, status = given.get("code", ""), given.get("message", Error.message), given.get("status")
    if has_code and (not isinstance(code, str) or not code or (at == "request" and "." in code)):
        raise _refused(f"{place}.code", code or None, "the code of an error, such as ThrottlingException")
    if not isinstance(message, str) or not message:
        raise _refused(f"{place}.message", message, "a text")
    if status is not None and not (isinstance(status, int) and not isinstance(status, bool) and 400 <= status <= 599):
        raise _refused(f"{place}.status", status, "400 to 599")
    return Error(code, message, status)


def _state(given: Mapping[str, object], place: str, at: str) -> str | None:
    if at not in ("job_run", "statement"):
        return None
    # An error is that of a state.
    state = given.get("state", "FAILED" if "error" in given else None)
    if state is None:
        return None
    accepted = JOB_RUN_ENDS if at == "job_run" else STATEMENT_STATES
    return str(_one_of(state, f"{place}.state", accepted))


def _need_mapping(given: object, place: str, accepted: Collection[str], what: str = "") -> None:
    if not isinstance(given, Mapping):
        raise _refused(place, given, f"a mapping with {', '.join(accepted)}")
    for name in given:
        if name not in accepted:
            raise _refused(place, name, f"the fields{what} {', '.join(accepted)}")


def _one_of(given: object, place: str, accepted: tuple[str, ...]) -> Any:
    if given not in accepted:
        raise _refused(place, given, ", ".join(accepted))
    return given


def _whole(given: object, place: str, most: int = 2**31) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= most:
        raise _refused(place, given, f"a whole number from 0 to {most}")
    return given


def _number(given: object, place: str, least: float, most: float) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise _refused(place, given, f"a number from {least:g} to {most:g}")
    if not least <= given <= most:
        raise _refused(place, given, f"a number from {least:g} to {most:g}")
    return float(given)


def _refused(place: str, given: object, accepted: str) -> FaultsError:
    shown = "missing" if given is None else f"{given!r:.200}"
    return FaultsError(f"{place} is {shown}; accepted: {accepted}")
