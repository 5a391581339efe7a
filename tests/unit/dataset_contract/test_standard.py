"""Each element of the standard's own JSON Schema is enforced, describes, or is refused: there is no fourth class."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dataset_contract import reading
from dataset_contract.describing import DESCRIBING
from dataset_contract.errors import ContractError
from tests.unit.dataset_contract.documents import Document, column, custom, document, refusal, table

standard = pytest.importorskip("open_data_contract_standard")
SCHEMA: dict[str, Any] = json.loads((Path(standard.__file__).parent / "schema.json").read_text(encoding="utf-8"))

OBJECT, PROPERTY = "schema[]", "schema[].properties[]"
OPTIONS, ENUM, AGREEMENT = f"{PROPERTY}.logicalTypeOptions", f"{PROPERTY}.enum[]", "slaProperties[]"
QUALITY = (f"{OBJECT}.quality[]", f"{PROPERTY}.quality[]")

THEIRS = {"property": "theirs", "value": 1, "vendor": "soda"}
BASE = document(
    customProperties=[THEIRS],
    slaProperties=[
        {"property": "latency", "value": 4, "unit": "d", "element": "orders.at", "customProperties": [THEIRS]}
    ],
    source=table(
        "orders",
        "source",
        column(
            enum=[{"value": "a"}],
            logicalTypeOptions={},
            quality=[{"metric": "nullValues", "mustBe": 0, "customProperties": [THEIRS]}],
            customProperties=[THEIRS],
        ),
        column("at", "TIMESTAMP"),
        quality=[{"metric": "rowCount", "mustBe": 5, "customProperties": [THEIRS]}],
    ),
)
BASE["schema"][0]["customProperties"].insert(0, THEIRS)

Pair = tuple[Document, Document]


def changed(path: str, value: Any, base: Document = BASE) -> Document:
    """A copy of a document with `value` at a path; lists are entered at their first item, or made."""
    result = copy.deepcopy(base)
    at: Any = result
    steps = path.replace("[]", ".[]").split(".")
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        inner: Any = copy.deepcopy(value) if not following else [] if following == "[]" else {}
        if step != "[]":
            missing = step not in at or not following or (isinstance(at[step], list) != (following == "[]"))
            at[step] = inner if missing else at[step]
            at = at[step]
        elif not at or not following:
            at[:1] = [inner]
            at = at[0]
        else:
            at = at[0]
    return result


def two(path: str, one: Any, other: Any) -> Pair:
    """The base with one value at a path, and with another."""
    return changed(path, one), changed(path, other)


def options(physical: str, one: Document, other: Document) -> Pair:
    def with_options(value: Document) -> Document:
        return document(source=table("orders", "source", column(physicalType=physical, logicalTypeOptions=value)))

    return with_options(one), with_options(other)


def operator_pairs(path: str) -> dict[str, Pair]:
    metric = {"metric": "rowCount"} if path == QUALITY[0] else {"metric": "nullValues"}
    plain = (
        "mustBe",
        "mustNotBe",
        "mustBeGreaterThan",
        "mustBeGreaterOrEqualTo",
        "mustBeLessThan",
        "mustBeLessOrEqualTo",
    )
    pairs = {f"{path}.{name}": two(path, {**metric, name: 2}, {**metric, name: 3}) for name in plain}
    for name in ("mustBeBetween", "mustNotBeBetween"):
        pairs[f"{path}.{name}"] = two(path, {**metric, name: [1, 2]}, {**metric, name: [1, 3]})
    return pairs


def quality_pairs(path: str) -> dict[str, Pair]:
    rule = {"metric": "duplicateValues", "mustBe": 5}
    key = {} if path == QUALITY[1] else {"arguments": {"properties": ["at"]}}
    sql = {"type": "sql", "query": "SELECT 1", "mustBe": 1}
    counted = {**rule, **key}
    arguments = (
        {"metric": "invalidValues", "mustBe": 1, "arguments": {"validValues": ["a"]}}
        if path == QUALITY[1]
        else {**rule, "arguments": {"properties": ["code"]}}
    )
    other = {"validValues": ["b"]} if path == QUALITY[1] else {"properties": ["at"]}
    return {
        **operator_pairs(path),
        f"{path}.id": two(path, {**counted, "id": "a"}, {**counted, "id": "b"}),
        f"{path}.name": two(path, {**counted, "name": "a"}, {**counted, "name": "b"}),
        f"{path}.severity": two(path, {**counted, "severity": "error"}, {**counted, "severity": "warning"}),
        f"{path}.type": two(path, {**counted, "type": "library"}, {**counted, "type": "sql"}),
        f"{path}.unit": two(path, {**counted, "unit": "rows"}, {**counted, "unit": "percent"}),
        f"{path}.metric": two(path, counted, {**counted, "metric": "foo"}),
        f"{path}.arguments": two(path, arguments, {**arguments, "arguments": other}),
        f"{path}.query": two(path, sql, {**sql, "query": "SELECT 2"}),
    }


def custom_pairs(path: str, one: Document, other: Document) -> dict[str, Pair]:
    """A customProperty whose value matters, and one that is unknown."""
    list_path = f"{path}customProperties"
    before = changed(list_path, custom(**one))
    unknown = changed(list_path, custom(**one, unknown=1))
    return {
        list_path: (before, unknown),
        f"{list_path}[].property": (before, unknown),
        f"{list_path}[].value": (before, changed(list_path, custom(**other))),
    }


ENFORCED: dict[str, Pair] = {
    "apiVersion": two("apiVersion", "v3.1.0", "v9.9.9"),
    "kind": two("kind", "DataContract", "Nope"),
    "name": two("name", "a", "b"),
    "version": two("version", "1", "2"),
    "schema": (BASE, changed("schema", BASE["schema"][:2])),
    "slaProperties": two("slaProperties", [], BASE["slaProperties"]),
    **custom_pairs("", {"parameters": {}}, {"parameters": {"a": {"type": "date"}}}),
    **custom_pairs(f"{OBJECT}.", {"role": "source", "nullValues": ["-"]}, {"role": "source", "nullValues": ["--"]}),
    **custom_pairs(f"{PROPERTY}.", {"nullValues": ["-"]}, {"nullValues": ["--"]}),
    **custom_pairs(f"{AGREEMENT}.", {"severity": "error"}, {"severity": "warning"}),
    f"{OBJECT}.name": two(f"{OBJECT}.name", "orders", "Orders"),
    f"{OBJECT}.logicalType": two(f"{OBJECT}.logicalType", "object", "array"),
    f"{OBJECT}.physicalName": two(f"{OBJECT}.physicalName", "orders", "tbl_1"),
    f"{OBJECT}.properties": (BASE, changed(f"{OBJECT}.properties", [column("b"), column("at", "TIMESTAMP")])),
    f"{OBJECT}.quality": two(f"{OBJECT}.quality", [], [{"metric": "rowCount", "mustBe": 5}]),
    f"{PROPERTY}.name": two(f"{PROPERTY}.name", "a", "b"),
    f"{PROPERTY}.logicalType": two(f"{PROPERTY}.logicalType", "string", "date"),
    f"{PROPERTY}.physicalType": two(f"{PROPERTY}.physicalType", "CHAR(4)", "VARCHAR(4)"),
    f"{PROPERTY}.physicalName": two(f"{PROPERTY}.physicalName", "a", "b"),
    # The base's quality says required, too.
    f"{PROPERTY}.required": (
        document(source=table("orders", "source", column(required=False))),
        document(source=table("orders", "source", column(required=True))),
    ),
    f"{PROPERTY}.unique": two(f"{PROPERTY}.unique", True, False),
    f"{PROPERTY}.primaryKey": two(f"{PROPERTY}.primaryKey", True, False),
    f"{PROPERTY}.primaryKeyPosition": two(f"{PROPERTY}.primaryKeyPosition", -1, 1),
    f"{PROPERTY}.partitioned": two(f"{PROPERTY}.partitioned", False, True),
    f"{PROPERTY}.partitionKeyPosition": two(f"{PROPERTY}.partitionKeyPosition", -1, 1),
    f"{PROPERTY}.semanticType": two(f"{PROPERTY}.semanticType", "column", "measure"),
    f"{PROPERTY}.logicalTypeOptions": options("VARCHAR(8)", {}, {"minLength": 1}),
    f"{PROPERTY}.enum": two(f"{PROPERTY}.enum", [{"value": "a"}], [{"value": "b"}]),
    f"{PROPERTY}.quality": two(f"{PROPERTY}.quality", [], [{"metric": "nullValues", "mustBe": 0}]),
    f"{ENUM}.value": two(f"{ENUM}.value", "a", "b"),
    f"{OPTIONS}.minimum": options("DATE", {"minimum": "2024-01-01"}, {"minimum": "2024-01-02"}),
    f"{OPTIONS}.maximum": options("INTEGER", {"maximum": 1}, {"maximum": 2}),
    f"{OPTIONS}.exclusiveMinimum": options("REAL", {"exclusiveMinimum": 1}, {"exclusiveMinimum": 2}),
    f"{OPTIONS}.exclusiveMaximum": options("INTEGER", {"exclusiveMaximum": 1}, {"exclusiveMaximum": 2}),
    f"{OPTIONS}.multipleOf": options("INTEGER", {"multipleOf": 1}, {"multipleOf": 2}),
    f"{OPTIONS}.minLength": options("VARCHAR(8)", {"minLength": 1}, {"minLength": 2}),
    f"{OPTIONS}.maxLength": options("VARCHAR(8)", {"maxLength": 1}, {"maxLength": 2}),
    f"{OPTIONS}.pattern": options("VARCHAR(8)", {"pattern": "a"}, {"pattern": "b"}),
    f"{OPTIONS}.format": options("DATE", {"format": "yyyyMMdd"}, {"format": "yyyy/MM/dd"}),
    f"{OPTIONS}.timezone": options("TIMESTAMP", {"timezone": False}, {"timezone": True}),
    f"{OPTIONS}.defaultTimezone": options("TIMESTAMP", {"defaultTimezone": "UTC"}, {"defaultTimezone": "CET"}),
    **quality_pairs(QUALITY[0]),
    **quality_pairs(QUALITY[1]),
    f"{AGREEMENT}.id": two(f"{AGREEMENT}.id", "a", "b"),
    f"{AGREEMENT}.property": two(f"{AGREEMENT}.property", "latency", "retention"),
    f"{AGREEMENT}.value": two(f"{AGREEMENT}.value", 1, 2),
    f"{AGREEMENT}.unit": two(f"{AGREEMENT}.unit", "h", "d"),
    f"{AGREEMENT}.element": two(f"{AGREEMENT}.element", "orders.at", "products.since"),
}
REFUSED: dict[str, Any] = {
    "slaDefaultElement": "orders.at",
    f"{OBJECT}.relationships": [{"from": "a.b", "to": "c.d"}],
    f"{PROPERTY}.relationships": [{"to": "c.d"}],
    f"{PROPERTY}.properties": [column()],
    f"{PROPERTY}.items": {"logicalType": "string"},
    f"{PROPERTY}.map": {"key": {}, "value": {}},
    **{f"{OPTIONS}.{name}": 1 for name in ("maxProperties", "minProperties", "required", "maxItems", "minItems")},
    **{f"{OPTIONS}.{name}": 1 for name in ("uniqueItems", "dimensions", "elementType", "distanceMetric")},
    **{f"{OPTIONS}.{name}": 1 for name in ("embeddingModel", "embeddingModelVersion", "normalized")},
    **{f"{path}.{name}": "x" for path in QUALITY for name in ("rule", "schedule", "scheduler")},
    **{f"{path}.{name}": "x" for path in QUALITY for name in ("engine", "implementation")},
    **{f"{path}.customProperties": custom(a=1) for path in QUALITY},
    **{f"{path}.customProperties[].{name}": "a" for path in QUALITY for name in ("property", "value")},
    f"{AGREEMENT}.valueExt": 1,
    f"{AGREEMENT}.schedule": "0 30 * * *",
    f"{AGREEMENT}.scheduler": "cron",
}  # fmt: skip
# What is refused as a whole is not entered.
CLOSED = {
    f"{OBJECT}.relationships",
    *(f"{PROPERTY}.{name}" for name in ("relationships", "properties", "items", "map")),
}


def walk(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Path and schema of each property below a schema."""
    if "$ref" in node:
        target: Any = SCHEMA
        for step in node["$ref"].lstrip("#/").split("/"):
            target = target[step]
        yield from walk(target, path)
    for kind in ("allOf", "anyOf", "oneOf"):
        for item in node.get(kind, []):
            yield from walk(item, path)
    if "then" in node:
        yield from walk(node["then"], path)
    if isinstance(node.get("items"), dict):
        yield from walk(node["items"], f"{path}[]")
    for name, item in node.get("properties", {}).items():
        below = f"{path}.{name}".lstrip(".")
        yield below, item
        if below not in CLOSED:
            yield from walk(item, below)


ELEMENTS = dict(walk(SCHEMA, ""))


def described(path: str) -> bool:
    return any(path == known or path.startswith((f"{known}.", f"{known}[")) for known in DESCRIBING)


def sample(node: Any) -> Any:
    """A value that a schema accepts, not looking further than its own form."""
    if "$ref" in node:
        target: Any = SCHEMA
        for step in node["$ref"].lstrip("#/").split("/"):
            target = target[step]
        return sample(target)
    for kind in ("anyOf", "oneOf"):
        if kind in node:
            return sample(node[kind][0])
    if "enum" in node:
        return node["enum"][0]
    kind = node.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "array":
        items = sample(node.get("items", {}))
        return [items]
    if kind == "object":
        return {
            name: sample(node["properties"][name]) for name in node.get("required", []) if name in node["properties"]
        }
    return {"string": "x", "boolean": True, "integer": 1, "number": 1}[kind]


def test_the_walk_sees_the_standard() -> None:
    assert len(ELEMENTS) > 300
    assert {f"{OPTIONS}.multipleOf", "team.members[].username", "servers[].stagingDir", f"{QUALITY[0]}.metric"} <= set(
        ELEMENTS
    )


def test_each_element_is_in_one_class() -> None:
    classes = {path: [path in ENFORCED, path in REFUSED, described(path)].count(True) for path in ELEMENTS}
    assert {path for path, count in classes.items() if count != 1} == set()


@pytest.mark.parametrize("path", ENFORCED)
def test_an_enforced_element_changes_the_model_or_is_refused(path: str) -> None:
    before, after = ENFORCED[path]
    assert path in ELEMENTS
    read = reading.parse(before)
    try:
        assert reading.parse(after) != read
    except ContractError as error:
        assert str(error)


@pytest.mark.parametrize("path", REFUSED)
def test_a_refused_element_is_named(path: str) -> None:
    assert path in ELEMENTS
    name = path.split(".")[-1]
    value = changed(path, REFUSED[path])
    if path.endswith(("customProperties[].property", "customProperties[].value")):
        value = changed(path.rpartition("[]")[0], custom(a=1))
        name = "property"
    assert f"{name}:" in refusal(value) or f"{name}[0]" in refusal(value)


def test_a_describing_element_changes_nothing() -> None:
    plain = reading.parse(BASE)
    for path in filter(described, ELEMENTS):
        value = changed(path, sample(ELEMENTS[path]))
        assert value != BASE, path
        assert reading.parse(value) == plain, path


def test_a_misspelt_name_beside_a_describing_element_is_refused() -> None:
    for path in filter(described, ELEMENTS):
        assert f".{path}X".rpartition(".")[2] + ": is not an element here" in refusal(changed(f"{path}X", "x"))


def test_the_list_of_describing_elements_has_elements_of_the_standard_only() -> None:
    assert set(DESCRIBING) <= set(ELEMENTS)
    assert all(DESCRIBING.values())
