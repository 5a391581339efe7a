"""Holds an event to the classes of OpenLineage's own client, which are generated from the published schemas."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import attr
from openlineage.client import generated
from openlineage.client.generated import base

# Ours have a schema that nobody published.
OURS = {"tdp_job", "tdp_progress"}
_MODULES = [
    importlib.import_module(f"{generated.__name__}.{module.name}")
    for module in pkgutil.iter_modules(generated.__path__)
]
_FACETS: dict[str, type[Any]] = {
    kind._get_schema(): kind
    for module in _MODULES
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, base.BaseFacet) and kind.__module__ == module.__name__
}


def problems(event: dict[str, Any]) -> list[str]:
    """What an event has that the schemas do not allow, or lacks that they demand."""
    found: list[str] = []
    _check(event, base.RunEvent, "event", found, known={"producer", "schemaURL", "eventTime"})
    if event["schemaURL"] != base.RunEvent._get_schema():
        found.append(f"schemaURL {event['schemaURL']}")
    for name in ("producer", "schemaURL"):
        if not urlsplit(event[name]).scheme:
            found.append(f"{name} is not a URI")
    uuid.UUID(event["run"]["runId"])
    if datetime.fromisoformat(event["eventTime"]).tzinfo is None:
        found.append("eventTime has no zone")
    return found


def _check(value: Any, kind: Any, place: str, found: list[str], known: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            found.append(f"{place} is null")
        return _check(value, next(each for each in arguments if each is not type(None)), place, found, known)
    if origin is list:
        return (
            _each(enumerate(value), arguments[0], place, found)
            if isinstance(value, list)
            else found.append(f"{place}: no list")
        )
    if origin is dict:
        if place.endswith(("facets", "Facets")):
            return _facets(value, arguments[1], place, found)
        return _each(value.items(), arguments[1], place, found)
    if attr.has(kind):
        return _object(value, kind, place, found, known)
    if kind in (str, bool, int) and type(value) is not kind:
        found.append(f"{place} is {value!r}, no {kind.__name__}")
    if isinstance(kind, type) and issubclass(kind, base.EventType):
        kind(value)
    return None


def _each(items: Any, kind: Any, place: str, found: list[str]) -> None:
    for name, value in items:
        _check(value, kind, f"{place}.{name}", found)


def _object(value: Any, kind: Any, place: str, found: list[str], known: set[str]) -> None:
    hints, fields = typing.get_type_hints(kind), {each.name: each for each in attr.fields(kind) if each.name[0] != "_"}
    for name, member in value.items():
        if name in fields:
            _check(member, hints[name], f"{place}.{name}", found)
        elif name not in known:
            found.append(f"{place}.{name} is not in the schema")
    for name, each in fields.items():
        if each.default is attr.NOTHING and name not in value:
            found.append(f"{place}.{name} is missing")


def _facets(value: Any, kind: Any, place: str, found: list[str]) -> None:
    for name, facet in value.items():
        where, url = f"{place}.{name}", facet["_schemaURL"]
        if not urlsplit(facet["_producer"]).scheme or not urlsplit(url).scheme:
            found.append(f"{where} says not who made it")
        if name in OURS:
            continue
        if url not in _FACETS:
            found.append(f"{where}: no schema {url}")
            continue
        if not issubclass(_FACETS[url], kind):
            found.append(f"{where} is no {kind.__name__}")
        _object(facet, _FACETS[url], where, found, {"_producer", "_schemaURL"})
