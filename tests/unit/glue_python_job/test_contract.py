from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from glue_python_job import contract as contracts
from glue_python_job.contract import Column, Contract, ContractError, UniqueKey


def parse(*properties: dict[str, Any], nulls: Any = None, version: Any = "1.0.0") -> Contract:
    custom: list[dict[str, Any]] = [{"property": "role", "value": "source"}]
    if nulls is not None:
        custom.append({"property": "nullValues", "value": nulls})
    schema = [
        {"name": "made", "customProperties": [{"property": "role", "value": "output"}], "properties": [{"name": 3}]},
        {"name": "items", "customProperties": custom, "properties": list(properties)},
    ]
    return contracts.parse(json.dumps({"version": version, "schema": schema}))


def one(**more: Any) -> Column:
    return parse({"name": "c", **more}).columns[0]


def option(logical_type: str, **options: Any) -> Column:
    return one(logicalType=logical_type, logicalTypeOptions=options)


def test_the_source_object_is_read_and_the_others_are_not() -> None:
    contract = parse(
        {"name": "id", "logicalType": "integer", "required": True, "unique": True, "physicalType": "INTEGER"},
        {"name": "code", "logicalType": "string", "logicalTypeOptions": {"pattern": "^[A-Z]+$", "maxLength": 3}},
    )
    assert contract.version == "1.0.0"
    assert [column.name for column in contract.columns] == ["id", "code"]
    assert contract.columns[0].required
    assert not contract.columns[1].required
    assert contract.columns[1].patterns == ("^[A-Z]+$",)
    assert contract.columns[1].max_length == 3
    assert contract.keys == (UniqueKey(("id",), "unique"),)
    assert contract.null_values == ("",)


def test_the_contract_of_the_flights_dataset_is_understood() -> None:
    yaml = pytest.importorskip("yaml")
    path = Path(__file__).parents[3] / "sql" / "datasets" / "flights" / "contract.yaml"
    contract = contracts.parse(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    assert len(contract.columns) == 19
    assert contract.keys == (UniqueKey(("time_hour", "carrier", "flight"), "primaryKey"),)
    assert contract.null_values == ("", "NA")


@pytest.mark.parametrize(
    ("logical_type", "expected"),
    [
        ("integer", "BIGINT"),
        ("number", "DOUBLE"),
        ("string", "VARCHAR"),
        ("date", "DATE"),
        ("timestamp", "TIMESTAMP"),
        ("boolean", "BOOLEAN"),
    ],
)
def test_a_type_follows_from_the_logical_type(logical_type: str, expected: str) -> None:
    assert one(logicalType=logical_type).type.sql == expected


def test_a_property_without_any_type_is_a_string() -> None:
    assert one().type.max_bytes == 65535


def test_a_primary_key_is_required_and_ordered_by_position() -> None:
    contract = parse(
        {"name": "b", "primaryKey": True, "primaryKeyPosition": 2},
        {"name": "a", "primaryKey": True, "primaryKeyPosition": 1},
        {"name": "u", "unique": True},
    )
    assert contract.keys == (UniqueKey(("a", "b"), "primaryKey"), UniqueKey(("u",), "unique"))
    assert [column.required for column in contract.columns] == [True, True, False]


def test_a_single_primary_key_needs_no_position_and_is_not_checked_twice() -> None:
    contract = parse({"name": "a", "primaryKey": True, "unique": True})
    assert contract.keys == (UniqueKey(("a",), "primaryKey"),)


def test_limits_are_kept_exactly() -> None:
    limits = option("number", minimum=0.1, exclusiveMaximum=1e3).limits
    assert [(limit.keyword, limit.shown, limit.refused) for limit in limits] == [
        ("minimum", "0.1", "< 0.1"),
        ("exclusiveMaximum", "1000.0", ">= 1000.0"),
    ]


def test_a_limit_in_scientific_notation_becomes_a_plain_number() -> None:
    text = '{"version": "1", "schema": [{"name": "s", "customProperties": [{"property": "role", "value": "source"}], '
    text += '"properties": [{"name": "c", "logicalType": "number", "logicalTypeOptions": {"maximum": 1.5E+3}}]}]}'
    assert contracts.parse(text).columns[0].limits[0].refused == "> 1500"


def test_exclusive_limits_of_the_older_standard_are_flags() -> None:
    limits = option("integer", minimum=1, exclusiveMinimum=True, maximum=9, exclusiveMaximum=False).limits
    assert [limit.refused for limit in limits] == ["<= 1", "> 9"]


def test_limits_of_dates_and_timestamps() -> None:
    assert option("date", minimum="2020-01-31").limits[0].refused == "< DATE '2020-01-31'"
    at = option("timestamp", maximum="2020-01-31T12:00:00+02:00").limits[0].refused
    assert at == "> TIMESTAMP '2020-01-31 10:00:00'"
    zoned = one(
        logicalType="timestamp", physicalType="TIMESTAMPTZ", logicalTypeOptions={"minimum": "2020-01-31T12:00:00Z"}
    )
    assert zoned.limits[0].refused == "< TIMESTAMPTZ '2020-01-31 12:00:00+00'"


def test_valid_values_and_patterns_of_the_quality_rules() -> None:
    column = one(
        quality=[
            {"type": "text", "description": "for people"},
            {"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBe": 0},
            {"metric": "invalidValues", "arguments": {"pattern": "^.$"}, "mustBe": 0},
        ],
        logicalTypeOptions={"pattern": "[AB]"},
    )
    assert column.valid_values == ("A", "B")
    assert column.patterns == ("[AB]", "^.$")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"logicalType": "array"}, 'items.c.logicalType is "array"; supported are integer'),
        ({"physicalType": "SUPER"}, 'items.c.physicalType is "SUPER"; known types are SMALLINT'),
        ({"physicalType": 7}, "items.c.physicalType is 7; write a string"),
        ({"physicalType": "VARCHAR(65536)"}, "VARCHAR(65536).*1 to 65535 bytes"),
        ({"logicalType": "number", "physicalType": "DECIMAL(39,2)"}, "precision must be 1 to 38"),
        ({"logicalType": "integer", "physicalType": "DATE"}, "does not hold a logicalType integer"),
        ({"required": "yes"}, 'items.c.required is "yes"; write true or false'),
        ({"unique": 1}, "items.c.unique is 1"),
        ({"logicalTypeOptions": {"minimum": 1}}, "logicalTypeOptions.minimum is not supported for logicalType string"),
        ({"logicalType": "integer", "logicalTypeOptions": {"multipleOf": 2}}, "multipleOf is not supported"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": "x"}}, "minimum is 'x'; write a number"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": False}}, "minimum is False; write a number"),
        ({"logicalType": "date", "logicalTypeOptions": {"minimum": "31.1.2020"}}, "minimum is '31.1.2020'"),
        ({"logicalType": "date", "logicalTypeOptions": {"minimum": 7}}, "minimum is 7; write a string"),
        ({"logicalType": "integer", "logicalTypeOptions": {"exclusiveMinimum": True}}, "exclusiveMinimum is true"),
        ({"logicalTypeOptions": {"maxLength": -1}}, "maxLength is -1"),
        ({"logicalTypeOptions": {"minLength": "3"}}, 'minLength is "3"'),
        ({"logicalTypeOptions": {"pattern": 3}}, "pattern is 3; write a string"),
        ({"quality": [{"metric": "rowCount", "mustBe": 0}]}, 'metric "rowCount"'),
        ({"quality": [{"metric": "invalidValues", "mustBe": 1}]}, "mustBe 1"),
        ({"quality": [{"metric": "invalidValues", "mustBe": 0}]}, "quality.arguments is {}"),
        (
            {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": []}}]},
            "validValues is \\[\\]",
        ),
        (
            {"quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [1]}}]},
            "validValues has 1, which is not a VARCHAR",
        ),
        (
            {
                "logicalType": "integer",
                "quality": [{"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": "x"}}],
            },
            "pattern is for strings",
        ),
    ],
)
def test_an_error_names_the_field_and_its_value(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message.replace("(", "\\(").replace(")", "\\)")):
        one(**more)


@pytest.mark.parametrize("name", ["", None, 3, "a\nb", "x" * 128])
def test_a_column_needs_a_name(name: object) -> None:
    with pytest.raises(ContractError, match=r"items.properties has a name"):
        parse({"name": name})


def test_names_that_differ_by_case_alone_are_refused() -> None:
    with pytest.raises(ContractError, match=r"items.ID is there twice"):
        parse({"name": "id"}, {"name": "ID"})


@pytest.mark.parametrize("positions", [(1, 1), (None, 1), ("1", "2"), (True, 2)])
def test_a_composite_key_needs_positions(positions: tuple[object, object]) -> None:
    with pytest.raises(ContractError, match="primaryKeyPosition"):
        parse(*({"name": n, "primaryKey": True, "primaryKeyPosition": p} for n, p in zip("ab", positions)))


@pytest.mark.parametrize(("nulls", "shown"), [("NA", '"NA"'), ([1], r"\[1\]"), (["a,b"], '"a,b"'), (["\n"], r'"\\n"')])
def test_null_values_are_a_list_of_plain_texts(nulls: object, shown: str) -> None:
    with pytest.raises(ContractError, match=f"nullValues.*{shown}"):
        parse({"name": "c"}, nulls=nulls)


@pytest.mark.parametrize("version", [None, "", 1])
def test_a_contract_has_a_version(version: object) -> None:
    with pytest.raises(ContractError, match=r"contract.version"):
        parse({"name": "c"}, version=version)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"version": "1"}', "contract.schema is null; write a list"),
        ('{"version": "1", "schema": []}', "0 objects"),
    ],
)
def test_a_text_that_is_no_contract(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contracts.parse(text)


def test_there_is_one_source() -> None:
    item = {"name": "a", "customProperties": [{"property": "role", "value": "source"}], "properties": [{"name": "c"}]}
    with pytest.raises(ContractError, match=r"2 objects .*exactly one"):
        contracts.parse(json.dumps({"version": "1", "schema": [item, item]}))


def test_a_source_has_columns() -> None:
    with pytest.raises(ContractError, match=r"schema.items.properties is empty"):
        parse()
