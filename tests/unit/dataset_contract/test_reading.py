from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataset_contract import reading
from dataset_contract.errors import ContractError
from dataset_contract.model import Key
from tests.unit.dataset_contract.documents import accepted, column, custom, document, refusal, table

PLACE = "schema[0].properties[0]"


def test_a_contract_becomes_the_model() -> None:
    contract = accepted(document())

    assert (contract.dataset, contract.version, contract.parameters) == ("orders", "1.0.0", {})
    assert [column.name for column in contract.source.columns] == ["id", "at"]
    assert [item.name for item in contract.references] == ["products"]
    assert [item.name for item in contract.outputs] == ["totals"]
    assert [column.type.redshift for column in contract.outputs[0].columns] == ["BIGINT", "DECIMAL(18,2)"]


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"])
def test_each_version_3_of_the_standard_is_read(version: str) -> None:
    assert accepted(document(apiVersion=version)).dataset == "orders"


@pytest.mark.parametrize(
    ("element", "value", "message"),
    [
        ("apiVersion", "v9.9.9", 'apiVersion: "v9.9.9" is not known here; accepted: v3.0.0, v3.0.1'),
        ("apiVersion", "v2.2.2", 'apiVersion: "v2.2.2" is not known here'),
        ("apiVersion", 3.1, "apiVersion: 3.1 is not a text"),
        ("kind", "Nope", 'kind: "Nope" is not known here; accepted: DataContract'),
        ("name", "Orders", 'name: "Orders" is not a name of a dataset; accepted: 1 to 63 lower-case letters'),
        ("name", "x" * 64, "name: "),
        (
            "version",
            1.0,
            'version: 1.0 is not a text; accepted: a printable text of 1 to 64 bytes, as "1.0.0"; quote it',
        ),
        ("version", "", 'version: "" is empty'),
        ("version", "ü" * 33, "is not a version; accepted: a printable text of 1 to 64 bytes"),
        ("slaDefaultElement", "orders.at", 'slaDefaultElement: "orders.at" is refused: the standard gives it up'),
        ("schema", {}, "schema: {} is not a list"),
        ("schema", [], "schema: has 0 objects of role source and 0 of role output"),
        ("shcema", [], 'shcema: is not an element here; did you mean "schema"?; accepted: apiVersion, kind'),
        ("quality", [], "quality: is not an element here"),
        ("slaProperties", None, "slaProperties: null is not a list"),
    ],
)
def test_an_element_of_the_contract_is_refused(element: str, value: Any, message: str) -> None:
    assert message in refusal(document(**{element: value}))


@pytest.mark.parametrize("element", ["apiVersion", "kind", "name", "version"])
def test_an_element_that_has_to_be_there(element: str) -> None:
    value = document()
    del value[element]
    assert refusal(value).startswith(f"{element}: is missing; accepted: ")


def test_a_version_of_64_bytes_is_read() -> None:
    assert accepted(document(version="v" * 64)).version == "v" * 64


def test_a_document_that_is_no_mapping() -> None:
    with pytest.raises(ContractError, match="the contract is not a mapping"):
        reading.parse([])


def test_the_text_of_a_contract_keeps_every_digit() -> None:
    source = table("orders", "source", column("n", "DECIMAL(38,10)", logicalTypeOptions={"maximum": 0}))
    text = json.dumps(document(source=source)).replace('"maximum": 0', '"maximum": 12345678901234567890.0123456789')

    rule = reading.parse_text(text, "contract.json").source.columns[0].rules[0]

    assert rule.argument == Decimal("12345678901234567890.0123456789")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "contract s3://a/contract.json is not JSON: "),
        ('{"name": "a", "name": "b"}', 'contract s3://a/contract.json is not JSON: "name" occurs twice'),
        ("[" * 100_000, "contract s3://a/contract.json is nested too deeply; `nox -s package` writes it"),
        ('{"a": 1e99999999999999999999}', "contract s3://a/contract.json has a number beyond all bounds"),
        ("1" * 5000, "contract s3://a/contract.json is not JSON: Exceeds the limit"),
        ("[]", r"the contract is not a mapping; .* \(contract s3://a/contract.json\)"),
        ('{"kind": "Nope"}', r"^apiVersion: is missing; accepted: .* \(contract s3://a/contract.json\)$"),
    ],
)
def test_a_text_that_is_no_contract(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        reading.parse_text(text, "s3://a/contract.json")


def test_what_yaml_makes_of_an_unquoted_decimal() -> None:
    remnant = {"name": "n", "physicalType": "DECIMAL(15", "2)": None}
    assert refusal(document(source=table("orders", "source", remnant))) == (
        f'{PLACE}.2): YAML reads "2)" as an element of its own, since a comma ends an unquoted text within {{ }}; '
        'quote it, as in "DECIMAL(15,2)"'
    )


def test_a_type_whose_end_yaml_cut_off() -> None:
    half = document(source=table("orders", "source", {"name": "n", "physicalType": "DECIMAL(15"}))
    assert 'quote it, as in "DECIMAL(15,2)"' in refusal(half)


def test_a_misspelt_element_is_told_with_the_one_that_was_meant() -> None:
    value = document(source=table("orders", "source", column(requried=True)))
    assert refusal(value).startswith(
        f'{PLACE}.requried: is not an element here; did you mean "required"?; accepted: name, '
    )


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([table("a", "output", column())], "schema: has 0 objects of role source and 1 of role output"),
        ([table("a", "source", column())], "schema: has 1 objects of role source and 0 of role output"),
        ([table("a", "source", column())] * 2, 'schema[1].name: "a" occurs twice'),
        (
            [table("a", "sauce", column())],
            'schema[0].customProperties[0].value: "sauce" is not a role; did you mean "sou',
        ),
        ([{"name": "a"}], "schema[0].customProperties: has no role; accepted: {property: role, value: …}"),
        ([table("A", "source", column())], 'schema[0].name: "A" is not a name of an object'),
        ([table("parameters", "source", column())], 'schema[0].name: "parameters" is the name of the view'),
        ([table("a", "source")], "schema[0].properties: has 0 columns; accepted: 1 to 1599 columns"),
        ([table("a", "source", column(), logicalType="array")], 'schema[0].logicalType: "array" is not known here'),
        ([table("a", "source", column(), physicalName="b")], 'schema[0].physicalName: "b" is not the name'),
        ([table("a", "source", column(), relationships=[])], "schema[0].relationships: [] is refused: no stage checks"),
        (["a"], 'schema[0]: "a" is not a mapping'),
    ],
)
def test_an_object_is_refused(tables: list[object], message: str) -> None:
    assert message in refusal(document(schema=tables))


def test_an_object_may_repeat_its_name() -> None:
    plain = table("orders", "source", column(), physicalName="orders", logicalType="object", physicalType="file")
    assert accepted(document(source=plain)).source.name == "orders"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            custom(role="source", rolle=1),
            'customProperties[1].property: "rolle" is not a customProperty here; did you mean',
        ),
        (custom(role="source", load={}), "customProperties[1].value: load does not apply to an object of role source"),
        (custom(role="source") * 2, 'customProperties[1].property: "role" occurs twice'),
        ([{"property": "role"}], "customProperties[0].value: is missing; accepted: the value of role"),
        ([{"value": 1}], "customProperties[0].property: is missing"),
        (
            [{"property": "role", "vlaue": "source"}],
            'customProperties[0].vlaue: is not an element here; did you mean "value"',
        ),
    ],
)
def test_a_custom_property_is_refused(properties: object, message: str) -> None:
    value = document(source={**table("orders", "source", column()), "customProperties": properties})
    assert message in refusal(value)


def test_a_custom_property_of_another_tool_describes() -> None:
    other = {"property": "monitor", "value": {"a": [1]}, "vendor": "soda", "description": "theirs"}
    source = table("orders", "source", column(customProperties=[other]))
    source["customProperties"].append(other)
    assert accepted(document(source=source, customProperties=[other])) == accepted(
        document(source=table("orders", "source", column()))
    )


@pytest.mark.parametrize(
    ("element", "value", "message"),
    [
        ("tags", "finance", 'tags: "finance" is not a list; accepted: a list'),
        ("tags", [["a"]], 'tags[0]: ["a"] is not a text; accepted: a text'),
        ("tags", None, "tags: null is not a list"),
        ("status", {"a": 1}, 'status: {"a": 1} is not a text'),
        ("description", "what for", 'description: "what for" is not a mapping; accepted: usage, purpose, limitations'),
        ("description", {"purpos": "a"}, 'description.purpos: is not an element here; did you mean "purpose"'),
        (
            "team",
            {"members": [{"usrname": "a"}]},
            'team.members[0].usrname: is not an element here; did you mean "username"',
        ),
        ("team", [{"member": "a"}], "team[0].member: is not an element here"),
        ("team", "us", 'team: "us" is not a mapping; accepted: id, name, description, members'),
        ("context", {"instruction": "a"}, 'context.instruction: is not an element here; did you mean "instructions"'),
        ("servers", [{"bucket": "a"}], "servers[0].bucket: is not an element here"),
    ],
)
def test_a_describing_element_has_the_form_that_the_standard_gives_it(element: str, value: Any, message: str) -> None:
    assert message in refusal(document(**{element: value}))


def test_flights_is_read() -> None:
    yaml = pytest.importorskip("yaml")
    path = Path(__file__).parents[3] / "sql/datasets/flights/contract.yaml"

    contract = reading.parse(yaml.safe_load(path.read_text(encoding="utf-8")))

    assert contract.source.keys == (Key(("time_hour", "carrier", "flight")),)
    assert [item.name for item in contract.references] == ["airlines", "airports", "planes", "weather"]
    assert [item.name for item in contract.outputs] == ["enriched_flights", "route_delays"]
    assert contract.parameters["late_minutes"].default == 15
    assert contract.source.columns[0].null_values == ("", "NA")
