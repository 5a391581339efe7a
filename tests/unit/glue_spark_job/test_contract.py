"""What the job reads out of a contract, and what it says about one that it cannot use."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from glue_spark_job import contract
from glue_spark_job.contract import Parameter
from glue_spark_job.errors import JobError
from tests.unit.glue_spark_job.orders import CONTRACT


def changed(**changes: Any) -> dict[str, Any]:
    """The contract of "orders"; `changes` go into its first output column."""
    document = copy.deepcopy(CONTRACT)
    document["schema"][2]["properties"][0].update(changes)
    return document


def parsed(document: object) -> contract.Contract:
    return contract.parse(json.dumps(document), "s3://artifacts/contract.json")


def test_objects_are_sorted_by_role_and_keep_their_order() -> None:
    agreed = parsed(CONTRACT)
    assert agreed.version == "2.1.0"
    assert agreed.source.name == "orders"
    assert [table.name for table in agreed.references] == ["items"]
    assert [table.name for table in agreed.outputs] == ["priced", "items_sold"]
    assert agreed.parameters == (Parameter("discount", "number", 0.5),)
    assert agreed.references[0].null_values == ("", "NA")
    assert agreed.source.null_values == ("",)
    assert [column.name for column in agreed.outputs[0].columns] == ["id", "item", "price", "sold"]


@pytest.mark.parametrize(
    ("physical", "spark", "most_bytes"),
    [
        ("SMALLINT", "smallint", None),
        ("integer", "int", None),
        ("BIGINT", "bigint", None),
        ("REAL", "float", None),
        ("double  precision", "double", None),
        ("DATE", "date", None),
        ("TIMESTAMP", "timestamp", None),
        ("TIMESTAMPTZ", "timestamp", None),
        ("BOOLEAN", "boolean", None),
        ("DECIMAL(10,2)", "decimal(10,2)", None),
        ("NUMERIC ( 38 , 0 )", "decimal(38,0)", None),
        ("DECIMAL(5)", "decimal(5,0)", None),
        ("DECIMAL", "decimal(18,0)", None),
        ("VARCHAR(8)", "string", 8),
        ("varchar (max)", "string", 65535),
        ("VARCHAR", "string", 256),
        ("CHAR(3)", "string", 3),
        ("CHAR", "string", 1),
    ],
)
def test_a_physical_type_is_a_spark_type(physical: str, spark: str, most_bytes: int | None) -> None:
    column = parsed(changed(physicalType=physical)).outputs[0].columns[0]
    assert (column.spark_type, column.bytes) == (spark, most_bytes)


@pytest.mark.parametrize(
    ("logical", "spark"),
    [
        ("integer", "bigint"),
        ("number", "double"),
        ("string", "string"),
        ("date", "date"),
        ("timestamp", "timestamp"),
        ("boolean", "boolean"),
    ],
)
def test_without_a_physical_type_the_logical_type_counts(logical: str, spark: str) -> None:
    column = parsed(changed(physicalType=None, logicalType=logical)).outputs[0].columns[0]
    assert column.spark_type == spark
    assert column.bytes == (65535 if logical == "string" else None)


@pytest.mark.parametrize("physical", ["SUPER", "DECIMAL(39,0)", "DECIMAL(2,3)", "VARCHAR(x)", None])
def test_an_unknown_type_names_table_column_and_the_known_types(physical: str | None) -> None:
    with pytest.raises(JobError) as caught:
        parsed(changed(physicalType=physical))
    message = str(caught.value)
    assert message.startswith('contract s3://artifacts/contract.json: object "priced", column "id" has physicalType')
    assert "DECIMAL(p,s)" in message


def test_keys_are_unique_columns_and_the_primary_key_in_its_order() -> None:
    document = copy.deepcopy(CONTRACT)
    id_, item, price, sold = document["schema"][2]["properties"]
    item["unique"] = True
    sold.update(primaryKey=True, primaryKeyPosition=1)
    id_.update(primaryKey=True, primaryKeyPosition=2)
    assert parsed(document).outputs[0].keys == (("item",), ("sold", "id"))
    assert price == {"name": "price", "physicalType": "DECIMAL(10,2)"}


def test_valid_values_come_from_the_quality_rules() -> None:
    quality = [
        {"metric": "rowCount", "mustBeGreaterThan": 0},
        {"metric": "invalidValues", "arguments": {"validValues": ["a", "b"]}, "mustBe": 0},
    ]
    assert parsed(changed(quality=quality)).outputs[0].columns[0].valid_values == ("a", "b")


def _without_output(document: dict[str, Any]) -> None:
    del document["schema"][2:]


def _two_sources(document: dict[str, Any]) -> None:
    document["schema"][1]["customProperties"][0]["value"] = "source"


def _no_role(document: dict[str, Any]) -> None:
    del document["schema"][1]["customProperties"]


def _no_columns(document: dict[str, Any]) -> None:
    document["schema"][1]["properties"] = []


def _twice(document: dict[str, Any]) -> None:
    document["schema"][2]["name"] = "ORDERS"


def _reserved(document: dict[str, Any]) -> None:
    document["schema"][2]["name"] = "parameters"


def _column_twice(document: dict[str, Any]) -> None:
    document["schema"][2]["properties"][1]["name"] = "ID"


def _job_id(document: dict[str, Any]) -> None:
    document["schema"][2]["properties"][1]["name"] = "job_id"


def _parameter_type(document: dict[str, Any]) -> None:
    document["customProperties"][0]["value"]["discount"]["type"] = "float"


def _no_schema(document: dict[str, Any]) -> None:
    del document["schema"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_output, "needs exactly one object of role source and at least one of role output"),
        (_two_sources, "needs exactly one object of role source"),
        (_no_role, 'object "items" has role None; give it source, reference or output'),
        (_no_columns, 'object "items" has no properties'),
        (_twice, 'object name "orders" occurs twice'),
        (_reserved, 'object name "parameters" is the name of the view of the parameters'),
        (_column_twice, 'object "priced" lists column "id" twice'),
        (_job_id, 'object "priced" lists column "job_id", which the job appends itself'),
        (_parameter_type, "parameter \"discount\" has type 'float'; known types: integer, number"),
        (_no_schema, "does not have the structure of a data contract (KeyError: 'schema')"),
    ],
)
def test_an_unusable_contract_says_what_is_wrong(change: Any, message: str) -> None:
    document = copy.deepcopy(CONTRACT)
    change(document)
    with pytest.raises(JobError) as caught:
        parsed(document)
    assert str(caught.value).startswith("contract s3://artifacts/contract.json")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["", "kind: DataContract", "[1]", '{"schema": [1]}'])
def test_what_is_not_a_contract_is_named_by_its_uri(text: str) -> None:
    with pytest.raises(JobError, match=r"^contract /c\.json .*nox -s package"):
        contract.parse(text, "/c.json")
