"""The situations of the standard's own examples and negative tests: each is accepted with its meaning, or refused by
name. The documents are ours."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataset_contract.model import Key
from tests.unit.dataset_contract.documents import (
    Document,
    accepted,
    column,
    custom,
    document,
    refusal,
    rules_of,
    set_rules,
    table,
    with_column,
    with_quality,
)


def test_what_is_told_of_a_contract_describes() -> None:
    people = {"username": "jdoe", "role": "owner", "dateIn": "2024-01-01", "tags": ["a"]}
    told: Document = {
        "tenant": "shop",
        "status": "active",
        "domain": "sales",
        "dataProduct": "orders",
        "tags": ["finance"],
        "description": {"purpose": "what for", "usage": "how", "limitations": "what not"},
        "authoritativeDefinitions": [{"type": "canonical", "url": "https://example.com/contract"}],
        "servers": [
            {"server": "prod", "type": "postgres", "host": "${DB_HOST}", "port": 5432, "database": "a", "schema": "b"}
        ],
        "support": [{"channel": "#help", "tool": "slack", "url": "https://example.com", "scope": "issues"}],
        "price": {"priceAmount": 9.95, "priceCurrency": "USD", "priceUnit": "megabyte"},
        "team": {"name": "orders", "members": [people]},
        "roles": [{"role": "reader", "access": "read", "firstLevelApprovers": "a", "secondLevelApprovers": "b"}],
        "contractCreatedTs": "2024-01-01T00:00:00Z",
        "context": {"instructions": "be careful", "verifiedStatements": [{"question": "q", "answer": "a"}]},
    }
    assert accepted(document(**told)) == accepted(document()) == accepted(document(**{**told, "team": [people]}))


def test_what_is_told_of_a_column_describes() -> None:
    told = {
        "id": "code_prop",
        "businessName": "order code",
        "description": "as printed",
        "classification": "restricted",
        "encryptedName": "code_encrypted",
        "criticalDataElement": True,
        "transformSourceObjects": ["raw"],
        "transformLogic": "SELECT code FROM raw",
        "transformDescription": "as it is",
        "examples": ["A1", 2],
        "tags": ["uid"],
        "synonyms": [{"synonym": "number", "locale": "en", "source": "glossary"}],
        "deprecated": True,
        "semanticType": "column",
        "partitioned": False,
        "partitionKeyPosition": -1,
        "primaryKey": False,
        "primaryKeyPosition": -1,
    }
    assert accepted(with_column(**told)) == accepted(with_column())


@pytest.mark.parametrize(
    ("physical", "options", "rules"),
    [
        ("varchar(11)", {"minLength": 11, "maxLength": 11, "pattern": "ACC[0-9]{8}"},
         [("minLength", 11), ("maxLength", 11), ("pattern", "ACC[0-9]{8}")]),
        ("date", {"exclusiveMinimum": "2020-01-01", "maximum": "2021-01-01", "format": "yyyy-MM-dd"},
         [("exclusiveMinimum", "2020-01-01"), ("maximum", "2021-01-01")]),
        ("timestamp", {"minimum": "2020-01-01 00:00:00", "format": "yyyy-MM-dd HH:mm:ss"},
         [("minimum", "2020-01-01T00:00:00")]),
        ("real", {"minimum": 0, "format": "f32"}, [("minimum", 0)]),
        ("int", {"minimum": 18, "exclusiveMaximum": 100, "format": "i64"},
         [("minimum", 18), ("exclusiveMaximum", 100)]),
    ],
)  # fmt: skip
def test_types_with_their_options(physical: str, options: Document, rules: list[Any]) -> None:
    assert rules_of(physical=physical, logicalTypeOptions=options) == rules


def test_an_enumeration_of_texts_and_of_numbers() -> None:
    status = [{"value": "pending", "label": "Pending", "tags": ["initial"]}, {"value": "shipped", "id": "shipped"}]
    assert rules_of(enum=status, required=True) == [("required", ""), ("validValues", ("pending", "shipped"))]
    priority = [{"value": 1, "description": "highest"}, {"value": 2, "customProperties": custom(hours=72)}]
    assert rules_of(physical="INT", enum=priority) == [("validValues", (1, 2))]


def test_rules_as_the_documentation_shows_them() -> None:
    assert rules_of(quality=[{"id": "no_nulls", "metric": "nullValues", "mustBe": 0, "unit": "rows"}]) == [
        ("required", "")
    ]
    (few,) = set_rules({"id": "few_nulls", "metric": "nullValues", "mustBeLessThan": 1, "unit": "percent"})
    assert (few.id, few.operator, few.bounds, few.unit) == ("few_nulls", "mustBeLessThan", (Decimal(1),), "percent")
    (count,) = set_rules({"id": "count", "metric": "rowCount", "mustBeBetween": [100, 120]}, of_object=True)
    assert (count.metric, count.bounds) == ("rowCount", (Decimal(100), Decimal(120)))
    unique = {"metric": "duplicateValues", "mustBe": 0, "arguments": {"properties": ["code", "n"]}}
    assert accepted(with_quality(unique, of_object=True)).source.keys == (Key(("code", "n")),)
    query = "SELECT COUNT(*) FROM {object} WHERE {property} IS NOT NULL"
    assert set_rules({"type": "sql", "query": query, "mustBeLessThan": 3600})[0].query == (
        'SELECT COUNT(*) FROM "orders" WHERE "code" IS NOT NULL'
    )


def with_source(*columns: Document, **more: Any) -> Document:
    return document(source=table("orders", "source", *columns, **more))


def without(name: str) -> Document:
    return {key: value for key, value in document().items() if key != name}


LATENCY = {"property": "latency", "value": 4, "unit": "d", "element": "orders.at"}

REFUSED = {
    "foreign key of an object": (with_source(column(), relationships=[{"from": "a.b", "to": "c.d"}]), "relationships"),
    "foreign key of a column": (with_column(relationships=[{"to": "c.d", "type": "foreignKey"}]), "relationships"),
    "partitioned column": (with_column(partitioned=True, partitionKeyPosition=1), "partitioned"),
    "measure": (with_column(semanticType="measure", transformLogic="sum(a)"), "semanticType"),
    "name of its own for a table": (with_source(column(), physicalName="tbl_1"), "physicalName"),
    "type of another database": (with_column(physical="STRING"), "physicalType"),
    "float with two sizes": (with_column(physical="float(3,2)"), "physicalType"),
    "timestamp that is a date": (with_column(physical="timestamp", logicalType="date"), "physicalType"),
    "format f32 of a double": (with_column(physical="float8", logicalTypeOptions={"format": "f32"}), "format"),
    "list": (with_column(physical="list", logicalType="array"), "logicalType"),
    "record": (with_source({"name": "a", "logicalType": "object", "properties": [column()]}), "properties"),
    "map": (with_source({"name": "a", "logicalType": "map", "map": {"key": {}, "value": {}}}), "map"),
    "map without a block": (with_source({"name": "a", "logicalType": "map"}), "logicalType"),
    "vector": (with_source({"name": "a", "logicalType": "vector"}), "logicalType"),
    "time of day": (with_column(physical="time", logicalType="time"), "logicalType"),
    "zone of Sydney": (
        with_column(
            physical="TIMESTAMPTZ", logicalTypeOptions={"timezone": True, "defaultTimezone": "Australia/Sydney"}
        ),
        "defaultTimezone",
    ),
    "format with a bare T": (
        with_column(physical="TIMESTAMP", logicalTypeOptions={"format": "yyyy-MM-ddTHH:mm:ssZ"}),
        "format",
    ),
    "rule of an older version": (with_quality({"rule": "between", "customProperties": custom(min=0)}), "rule"),
    "rule with its schedule": (
        with_quality({"metric": "nullValues", "mustBe": 0, "schedule": "0 20 * * *"}),
        "schedule",
    ),
    "rule of soda": (with_quality({"type": "custom", "engine": "soda", "implementation": "type: a"}), "engine"),
    "rule without implementation": (with_quality({"type": "custom", "engine": "soda"}), "engine"),
    "variable in a query": (with_quality({"type": "sql", "query": "SELECT ${CUTOFF}", "mustBe": 0}), "query"),
    "variable in a type": (with_column(physical="${TYPE:-varchar}"), "physicalType"),
    "null as a valid value": (
        with_quality({"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": ["", None]}}),
        "validValues[1]",
    ),
    "pattern beside its arguments": (
        with_quality({"metric": "invalidValues", "mustBe": 0, "arguments": None, "pattern": "a"}),
        "pattern",
    ),
    "retention": (document(slaProperties=[{**LATENCY, "property": "retention", "unit": "y"}]), "property"),
    "day of availability": (
        document(slaProperties=[{"property": "generalAvailability", "value": "2022-05-12"}]),
        "property",
    ),
    "hour of availability": (document(slaProperties=[{**LATENCY, "property": "timeOfAvailability"}]), "property"),
    "extended value": (document(slaProperties=[{**LATENCY, "valueExt": 1}]), "valueExt"),
    "scheduled agreement": (document(slaProperties=[{**LATENCY, "scheduler": "cron"}]), "scheduler"),
    "default element": (document(slaDefaultElement="orders.at"), "slaDefaultElement"),
    "unknown element": (document(unknownElement=1), "unknownElement"),
    "unknown version": (document(apiVersion="v9.9.9"), "apiVersion"),
    "unknown kind": (document(kind="DataContractX"), "kind"),
    "version missing": (without("version"), "version"),
    "apiVersion missing": (without("apiVersion"), "apiVersion"),
    "unknown metric": (with_quality({"metric": "meanValue", "mustBe": 0}), "metric"),
    "unknown type of rule": (with_quality({"type": "python", "mustBe": 0}), "type"),
    "rule with an element": (with_quality({"element": "orders.code", "rule": "EXISTS"}), "element"),
    "library rule without metric": (with_quality({"type": "library", "mustBe": 0}), "metric"),
    "two operators": (with_quality({"metric": "nullValues", "mustBe": 0, "mustBeLessThan": 5}), "mustBeLessThan"),
    "three bounds": (with_quality({"metric": "nullValues", "mustBeBetween": [1, 2, 3]}), "mustBeBetween"),
    "sql rule without query": (with_quality({"type": "sql", "mustBe": 0}), "query"),
    "unknown logicalType": (with_source({"name": "a", "logicalType": "varchar"}), "logicalType"),
    "column without name": (with_source({"logicalType": "string"}), "name"),
    "agreement without value": (
        document(slaProperties=[{"property": "latency", "unit": "d", "element": "orders.at"}]),
        "value",
    ),
    "value twice in an enum": (with_column(enum=[{"value": "a"}, {"value": "a"}]), "value"),
    "empty enum": (with_column(enum=[]), "enum"),
    "enum without value": (with_column(enum=[{"label": "a"}]), "value"),
    "variable in a number": (with_column(logicalTypeOptions={"minLength": "${LEAST}"}), "minLength"),
}


@pytest.mark.parametrize("situation", REFUSED)
def test_a_situation_is_refused_by_name(situation: str) -> None:
    value, name = REFUSED[situation]
    assert refusal(value).partition(": ")[0].endswith(name)


# The standard's own JSON Schema refuses these before our reader: they are in elements that only describe.
BY_THE_SCHEMA = {
    "unknown dimension": with_quality({"metric": "nullValues", "mustBe": 0, "dimension": "beauty"}),
    "deprecated as a text": with_column(deprecated="yes"),
    "synonym without a term": with_column(synonyms=[{"locale": "en"}]),
    "server without its fields": document(servers=[{"server": "a", "type": "postgres"}]),
    "server of unknown type": document(servers=[{"server": "a", "type": "abacus"}]),
    "server without type": document(servers=[{"server": "a"}]),
    "vendor as a number": document(customProperties=[{"property": "a", "value": 1, "vendor": 5}]),
    "definition without type": document(authoritativeDefinitions=[{"url": "https://example.com"}]),
    "identifier with a dot": with_column(id="a.b"),
    "id missing": without("id"),
}


@pytest.mark.parametrize("situation", BY_THE_SCHEMA)
def test_a_situation_is_refused_by_the_standards_schema(situation: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    standard = pytest.importorskip("open_data_contract_standard")
    schema = json.loads((Path(standard.__file__).parent / "schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft201909Validator(schema)

    assert not list(validator.iter_errors(typed(document())))
    assert list(validator.iter_errors(typed(BY_THE_SCHEMA[situation])))


def typed(value: Document) -> Document:
    """With a logicalType for each column, without which the schema asks for what every type has."""
    kinds = {"BIGINT": "integer", "TIMESTAMP": "timestamp", "DATE": "date", "DECIMAL(18,2)": "number"}
    for item in (found for each in value["schema"] for found in each["properties"]):
        item.setdefault("logicalType", kinds.get(item["physicalType"], "string"))
    return value
